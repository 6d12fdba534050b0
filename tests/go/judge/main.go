// Command judge prints how Go judges a certificate. etcd and Kubernetes are written in Go.
//
// It prints one JSON object: {"ok": true}, or {"ok": false, "error": "the reason"}. The exit code
// is 0 for either verdict, and 2 if the question itself was wrong (an unknown flag, a file that
// cannot be read).
package main

import (
	"encoding/json"
	"fmt"
	"os"
)

// A verdict is the printed answer: the reason of a refusal, the page of an accepted connection, or
// the PEM of a created request.
type verdict struct {
	OK     bool   `json:"ok"`
	Error  string `json:"error,omitempty"`
	Status int    `json:"status,omitempty"`
	Body   string `json:"body,omitempty"`
}

func accepted() verdict { return verdict{OK: true} }

func refused(err error) verdict { return verdict{Error: err.Error()} }

var questions = map[string]func(arguments []string) verdict{
	"pair":    pair,
	"verify":  verify,
	"request": request,
	"create":  create,
	"dial":    dial,
	"files":   files,
	"crl":     crl,
}

func main() {
	if len(os.Args) < 2 {
		stop("usage: judge pair|verify|request|create|dial|files|crl [flags]")
	}
	question, known := questions[os.Args[1]]
	if !known {
		stop("unknown question " + os.Args[1])
	}
	if err := json.NewEncoder(os.Stdout).Encode(question(os.Args[2:])); err != nil {
		stop(err.Error())
	}
}

// stop ends the program if there is no verdict.
func stop(message string) {
	fmt.Fprintln(os.Stderr, "judge: "+message)
	os.Exit(2)
}

// read returns the content of a file. A file that cannot be read is an error of the caller, not a
// verdict.
func read(path string) []byte {
	content, err := os.ReadFile(path)
	if err != nil {
		stop(err.Error())
	}
	return content
}
