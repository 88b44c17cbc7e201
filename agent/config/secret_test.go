package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestResolve(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"token": "s3cret\n", "spaces": " a b \n\n", "empty": "\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("CREDENTIALS_DIRECTORY", dir)
	t.Setenv("FROSTLINE_TEST", "fromenv")
	for ref, want := range map[string]string{
		"plain": "plain", "": "", "$5 {a}": "$5 {a}", "${credential:token}": "s3cret", "Bearer ${credential:token}!": "Bearer s3cret!",
		"${env:FROSTLINE_TEST}": "fromenv", "${env:FROSTLINE_TEST}:${credential:token}": "fromenv:s3cret", "${credential:spaces}": " a b \n",
	} {
		if got, err := Resolve(ref); err != nil || got != want {
			t.Errorf("Resolve(%q) = %q, %v; want %q", ref, got, err, want)
		}
	}
	for ref, want := range map[string]string{
		"${credential:none}": "config: resolve ${credential:none}: ", "${credential:empty}": "the credential file is empty",
		"${env:FROSTLINE_UNSET}": "config: resolve ${env:FROSTLINE_UNSET}: the environment variable is not set",
		"s3cret${file:x}":        "not a reference", "s3cret${": "not a reference", "${credential:../x}": "not a reference", "${credential:}": "not a reference",
		"${credential:..}": "not a reference", "${env:A B}": "not a reference",
	} {
		got, err := Resolve(ref)
		if err == nil || got != "" || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("Resolve(%q) = %q, %v; want an error with %q", ref, got, err, want)
		}
	}
	t.Setenv("CREDENTIALS_DIRECTORY", "")
	if _, err := Resolve("${credential:token}"); err == nil || !strings.Contains(err.Error(), "LoadCredential=token:") {
		t.Errorf("without a directory: %v", err)
	}
}

// What a reference resolves to is not looked through again: a secret may hold "${".
func TestResolveOnce(t *testing.T) {
	t.Setenv("FROSTLINE_TEST", "a${env:HOME}b")
	if got, err := Resolve("${env:FROSTLINE_TEST}"); err != nil || got != "a${env:HOME}b" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestReferences(t *testing.T) {
	if got := References("a ${env:B} ${credential:c}"); !slices.Equal(got, []string{"${env:B}", "${credential:c}"}) {
		t.Errorf("got %q", got)
	}
}
