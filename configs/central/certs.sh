#!/bin/sh
# Makes the certificates of a fleet with openssl, in the current directory.
#
#   certs.sh ca                          the authority: ca.pem, ca.key
#   certs.sh server broker.example       the broker's:  server.pem, server.key
#   certs.sh identity SITE/GATEWAY       a gateway's:   SITE.GATEWAY.pem, SITE.GATEWAY.key
#   certs.sh identity frostline-receiver the receiver's
#   certs.sh revoke SITE/GATEWAY         shuts an identity out: revoked.pem, for crlfile
#
# ca.key opens every door: keep it off the broker and off the gateways. ca.db and issued/
# remember what was signed; revoke needs them. A certificate that is there already is not made
# again; move it away first.
set -eu
umask 077

days_ca=7300
days_server=825
days_identity=1825

fail() {
	echo "certs.sh: $*" >&2
	exit 2
}

absent() {
	for f; do
		[ ! -e "$f" ] || fail "$f is there already"
	done
}

authority() {
	if [ ! -e ca.pem ] || [ ! -e ca.key ]; then
		fail "no authority here: run certs.sh ca"
	fi
	[ -e ca.db ] || : >ca.db
	mkdir -p issued
	cat >ca.cnf <<CNF
[ca]
default_ca = fleet
[fleet]
database = ./ca.db
new_certs_dir = ./issued
rand_serial = yes
certificate = ./ca.pem
private_key = ./ca.key
default_md = sha256
default_crl_days = $days_ca
policy = any
unique_subject = no
[any]
commonName = supplied
CNF
}

key() {
	openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1" 2>/dev/null
}

# issue FILE COMMON-NAME DAYS EXTENSIONS
issue() {
	absent "$1.pem" "$1.key"
	authority
	key "$1.key"
	printf '%s\n' "[v3]" "basicConstraints = critical,CA:FALSE" "keyUsage = critical,digitalSignature" "$4" >"$1.ext"
	# A slash divides the parts of a subject, so that in the name is escaped.
	openssl req -new -key "$1.key" -subj "/CN=$(printf '%s' "$2" | sed 's,/,\\/,g')" -out "$1.csr"
	openssl ca -batch -notext -config ca.cnf -days "$3" -extfile "$1.ext" -extensions v3 -in "$1.csr" -out "$1.pem" 2>"$1.log" ||
		{ cat "$1.log" >&2; fail "openssl did not sign"; }
	rm -f "$1.csr" "$1.ext" "$1.log"
	echo "made $1.pem and $1.key"
}

# file NAME: ids have no dot, so the name of the file is as unique as the identity.
file() {
	case "$1" in
	*/*/* | /* | */) fail "$1: want SITE/GATEWAY" ;;
	*[!a-z0-9_/-]* | '') fail "$1: want lower-case letters, digits, - and _" ;;
	esac
	printf '%s' "$1" | tr / .
}

case "${1-}" in
ca)
	absent ca.pem ca.key
	key ca.key
	openssl req -x509 -new -key ca.key -days "$days_ca" -subj "/CN=Frostline fleet" \
		-addext "basicConstraints=critical,CA:TRUE" -addext "keyUsage=critical,keyCertSign,cRLSign" -out ca.pem
	echo "made ca.pem and ca.key"
	;;
server)
	[ -n "${2-}" ] || fail "whose? certs.sh server broker.example"
	case "$2" in
	*[!0-9.]*) name="DNS:$2" ;;
	*) name="IP:$2" ;;
	esac
	issue server "$2" "$days_server" "extendedKeyUsage = serverAuth
subjectAltName = $name"
	;;
identity)
	[ -n "${2-}" ] || fail "whose? certs.sh identity SITE/GATEWAY"
	f=$(file "$2")
	issue "$f" "$2" "$days_identity" "extendedKeyUsage = clientAuth"
	;;
revoke)
	[ -n "${2-}" ] || fail "whose? certs.sh revoke SITE/GATEWAY"
	f=$(file "$2")
	authority
	openssl ca -config ca.cnf -revoke "$f.pem" 2>/dev/null || fail "$f.pem was not revoked: is it revoked already?"
	openssl ca -config ca.cnf -gencrl -out revoked.pem 2>/dev/null
	echo "made revoked.pem: name it in crlfile and restart the broker"
	;;
*)
	fail "want ca, server NAME, identity SITE/GATEWAY or revoke SITE/GATEWAY"
	;;
esac
