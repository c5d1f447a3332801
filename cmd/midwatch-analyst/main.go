// Command midwatch-analyst is what runs inside the sandbox: one request of the contract on descriptor 3, one answer, and
// it is gone. It decides the next step of an investigation, by rules or by building and reading a model's prompts and answers, answers a
// person's question by the words in it, evaluates a report's checks, or runs a small program over evidence. It opens nothing.
package main

import (
	"fmt"
	"os"

	"github.com/midwatch/midwatch/sandbox/analyst/builtin"
	"github.com/midwatch/midwatch/sandbox/analyst/model"
	"github.com/midwatch/midwatch/sandbox/check"
	"github.com/midwatch/midwatch/sandbox/contract"
	"github.com/midwatch/midwatch/sandbox/native"
)

func main() {
	if len(os.Args) == 2 && os.Args[1] == native.EnterArgument {
		native.ExitWall(native.Enter())
	}
	if err := serve(os.NewFile(contract.FD, "contract")); err != nil {
		fmt.Fprintln(os.Stderr, "midwatch-analyst:", err)
		os.Exit(1)
	}
}

// serve reads one request and writes one answer.
func serve(conn *os.File) error {
	if conn == nil {
		return fmt.Errorf("descriptor %d is not open: this program is started by a sandbox engine", contract.FD)
	}
	var req contract.Request
	if err := contract.Read(conn, &req); err != nil {
		return err
	}
	return contract.Write(conn, answer(req))
}

func answer(req contract.Request) contract.Answer {
	switch {
	case req.Step != nil:
		step, err := builtin.Step(*req.Step)
		if err != nil {
			return contract.Answer{Error: err.Error()}
		}
		return contract.Answer{Step: &step}
	case req.Model != nil:
		next, err := model.Step(*req.Model)
		if err != nil {
			return contract.Answer{Error: err.Error()}
		}
		return contract.Answer{Model: &next}
	case req.Reply != nil:
		reply := builtin.Answer(*req.Reply)
		return contract.Answer{Reply: &reply}
	case req.Check != nil:
		report, err := check.Report(*req.Check)
		if err != nil {
			return contract.Answer{Error: err.Error()}
		}
		return contract.Answer{Check: &contract.CheckAnswer{Report: report}}
	case req.Program != nil:
		done, err := check.Program(*req.Program)
		if err != nil {
			return contract.Answer{Error: err.Error()}
		}
		return contract.Answer{Program: &done}
	}
	return contract.Answer{Error: "the request asks nothing"}
}
