package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Secrets are references inside a text of the config. They stay references in Config and
// in everything printed from it; Resolve looks them up at the moment of use, so that a
// renewed credential needs no restart.
const (
	credentialPrefix = "${credential:" // a file of that name in $CREDENTIALS_DIRECTORY (systemd's LoadCredential=)
	envPrefix        = "${env:"        // an environment variable
)

var errReference = errors.New("not a reference: write ${credential:NAME} or ${env:NAME}")

// Resolve replaces every reference in ref by what it refers to; a text without
// references comes back as it is. Errors name the reference, never a value. One newline
// at the end of a credential file is not part of the secret.
func Resolve(ref string) (string, error) {
	var out strings.Builder
	rest := ref
	for {
		before, inner, tail, found, err := cutReference(rest)
		if err != nil {
			return "", fmt.Errorf("config: %w", err)
		}
		out.WriteString(before)
		if !found {
			return out.String(), nil
		}
		secret, err := lookUp(inner)
		if err != nil {
			return "", fmt.Errorf("config: resolve %s: %w", inner, err)
		}
		out.WriteString(secret)
		rest = tail
	}
}

// References lists the references in a text, in their order.
func References(text string) []string {
	var list []string
	for {
		_, ref, tail, found, err := cutReference(text)
		if err != nil || !found {
			return list
		}
		list = append(list, ref)
		text = tail
	}
}

func checkReferences(text string) error {
	for {
		_, _, tail, found, err := cutReference(text)
		if err != nil || !found {
			return err
		}
		text = tail
	}
}

// cutReference cuts text around its first reference.
func cutReference(text string) (before, ref, after string, found bool, err error) {
	start := strings.Index(text, "${")
	if start < 0 {
		return text, "", "", false, nil
	}
	end := strings.IndexByte(text[start:], '}')
	if end < 0 {
		return "", "", "", false, errReference
	}
	ref = text[start : start+end+1]
	name, isCredential := strings.CutPrefix(ref, credentialPrefix)
	if !isCredential {
		var isEnv bool
		if name, isEnv = strings.CutPrefix(ref, envPrefix); !isEnv {
			return "", "", "", false, errReference
		}
	}
	if !isReferenceName(strings.TrimSuffix(name, "}")) {
		return "", "", "", false, fmt.Errorf("%w, NAME of letters, digits, '-', '_' and '.'", errReference)
	}
	return text[:start], ref, text[start+end+1:], true, nil
}

// isReferenceName keeps a credential inside its directory.
func isReferenceName(name string) bool {
	if name == "" || name == "." || name == ".." || len(name) > 255 {
		return false
	}
	return !strings.ContainsFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-_.", r)
	})
}

func lookUp(ref string) (string, error) {
	if name, ok := strings.CutPrefix(ref, envPrefix); ok {
		name = strings.TrimSuffix(name, "}")
		if value := os.Getenv(name); value != "" {
			return value, nil
		}
		return "", errors.New("the environment variable is not set")
	}
	name := strings.TrimSuffix(strings.TrimPrefix(ref, credentialPrefix), "}")
	dir := os.Getenv("CREDENTIALS_DIRECTORY")
	if dir == "" {
		return "", errors.New("CREDENTIALS_DIRECTORY is not set: run under systemd with LoadCredential=" + name + ":/path, or set it to a directory with a file " + name)
	}
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return "", err
	}
	secret := strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r")
	if secret == "" {
		return "", errors.New("the credential file is empty")
	}
	return secret, nil
}
