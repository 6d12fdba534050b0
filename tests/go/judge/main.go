// Command judge says what Go, in which etcd and Kubernetes are written, thinks of a certificate.
//
// It prints one JSON object: {"ok": true}, or {"ok": false, "error": "the reason"}. The exit code
// is 0 for either verdict, and 2 where the question itself could not be put (an unknown flag, a
// file that cannot be read).
package main

import (
	"encoding/json"
	"fmt"
	"os"
)

// A verdict is what is printed: a refusal has its reason, an accepted dial the answer, a created
// request its PEM.
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
}

func main() {
	if len(os.Args) < 2 {
		stop("usage: judge pair|verify|request|create|dial|files [flags]")
	}
	question, known := questions[os.Args[1]]
	if !known {
		stop("unknown question " + os.Args[1])
	}
	if err := json.NewEncoder(os.Stdout).Encode(question(os.Args[2:])); err != nil {
		stop(err.Error())
	}
}

// stop ends the program where there is no verdict to give.
func stop(message string) {
	fmt.Fprintln(os.Stderr, "judge: "+message)
	os.Exit(2)
}

// read is a file's content: a file that cannot be read is a mistake of the caller, not a verdict.
func read(path string) []byte {
	content, err := os.ReadFile(path)
	if err != nil {
		stop(err.Error())
	}
	return content
}
