#!/bin/sh
# Prepares an InfluxDB for a fleet, over its HTTP API, with curl:
#
#   influx-setup.sh bucket                makes the bucket
#   influx-setup.sh gateway SITE/GATEWAY  makes a login that may write to it, and prints its token
#
# Settings, from the environment:
#
#   INFLUX_URL        e.g. https://influx.example:8086
#   INFLUX_VERSION    2 (default) or 1, for the 1.x line
#   INFLUX_TOKEN      2: a token that may manage buckets and tokens; 1: ADMIN:PASSWORD
#   INFLUX_ORG        2: the organization
#   INFLUX_BUCKET     default cold
#   INFLUX_KEEP_DAYS  how long the bucket keeps records; default 3650, 0: for ever
#   CURL_CA_BUNDLE    PEM file of the authorities to trust, where the system's do not do
#
# Keep records for longer than any gateway may be away: InfluxDB refuses what is older than
# its retention. It is refused for ever, so gateways set such records aside.
set -eu

fail() {
	echo "influx-setup.sh: $*" >&2
	exit 2
}

: "${INFLUX_URL:?say where InfluxDB is}" "${INFLUX_TOKEN:?say who may do this}"
version=${INFLUX_VERSION:-2}
bucket=${INFLUX_BUCKET:-cold}
days=${INFLUX_KEEP_DAYS:-3650}
case "$bucket" in *[!A-Za-z0-9_-]* | '') fail "bucket $bucket: want letters, digits, - and _" ;; esac
case "$days" in *[!0-9]* | '') fail "INFLUX_KEEP_DAYS $days: want a number" ;; esac

# ask METHOD PATH [curl arguments]: prints the body; fails with it unless the answer is 2xx.
# The token goes through a pipe, so that no list of processes shows it.
ask() {
	method=$1 path=$2
	shift 2
	answer=$(printf 'header = "Authorization: Token %s"\n' "$INFLUX_TOKEN" |
		curl -sS -K - -X "$method" -w '\n%{http_code}' "$@" "$INFLUX_URL$path") || fail "$INFLUX_URL cannot be reached"
	code=${answer##*
}
	case "$code" in
	2??) printf '%s\n' "${answer%?"$code"}" ;;
	*) fail "$method $path: $answer" ;;
	esac
}

# first NAME: the value of the first "NAME": "…" on standard input.
first() {
	tr '{,' '[\n*]' | sed -n 's/^[[:space:]]*"'"$1"'"[[:space:]]*:[[:space:]]*"\([^"]*\)".*/\1/p' | head -n 1
}

org() {
	: "${INFLUX_ORG:?say which organization}"
	found=$(ask GET /api/v2/orgs -G --data-urlencode "org=$INFLUX_ORG")
	id=$(printf '%s' "$found" | first id)
	[ -n "$id" ] || fail "no organization $INFLUX_ORG"
	echo "$id"
}

bucket_2() {
	org=$(org)
	ask POST /api/v2/buckets -H 'Content-Type: application/json' --data-binary \
		"{\"orgID\":\"$org\",\"name\":\"$bucket\",\"retentionRules\":[{\"type\":\"expire\",\"everySeconds\":$((days * 86400))}]}" >/dev/null
}

gateway_2() {
	org=$(org)
	found=$(ask GET /api/v2/buckets -G --data-urlencode "name=$bucket" --data-urlencode "orgID=$org")
	id=$(printf '%s' "$found" | tr -d '\n' | sed 's/.*"buckets"//' | first id)
	[ -n "$id" ] || fail "no bucket $bucket: run influx-setup.sh bucket"
	made=$(ask POST /api/v2/authorizations -H 'Content-Type: application/json' --data-binary \
		"{\"orgID\":\"$org\",\"description\":\"frostline gateway $1\",\"permissions\":[{\"action\":\"write\",\"resource\":{\"type\":\"buckets\",\"id\":\"$id\",\"orgID\":\"$org\"}}]}")
	printf '%s' "$made" | first token
}

# query InfluxQL
query() {
	out=$(ask POST /query --data-urlencode "q=$1")
	case "$out" in *'"error"'*) fail "$out" ;; esac
}

bucket_1() {
	keep=INF
	[ "$days" = 0 ] || keep=${days}d
	query "CREATE DATABASE \"$bucket\" WITH DURATION $keep NAME \"records\""
}

gateway_1() {
	password=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')
	query "CREATE USER \"$1\" WITH PASSWORD '$password'; GRANT WRITE ON \"$bucket\" TO \"$1\""
	echo "$1:$password"
}

case "$version" in 1 | 2) ;; *) fail "INFLUX_VERSION $version: want 1 or 2" ;; esac
case "${1-}" in
bucket)
	"bucket_$version"
	echo "bucket $bucket is there"
	;;
gateway)
	case "${2-}" in
	*[!a-z0-9_/-]* | '' | */*/* | /* | */) fail "whose? influx-setup.sh gateway SITE/GATEWAY" ;;
	*/*) "gateway_$version" "$2" ;;
	*) fail "whose? influx-setup.sh gateway SITE/GATEWAY" ;;
	esac
	;;
*)
	fail "want bucket, or gateway SITE/GATEWAY"
	;;
esac
