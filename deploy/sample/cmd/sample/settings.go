package main

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// variable reads a number from the environment.
func variable(name string, otherwise float64) (float64, error) {
	text := os.Getenv(name)
	if text == "" {
		return otherwise, nil
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, fmt.Errorf("%s=%q is no number", name, text)
	}
	return v, nil
}

// faults are what the environment asks the server to do wrong.
type faults struct {
	errors float64       // share of requests that are answered with 500
	leak   int           // KiB that each request leaves behind
	work   time.Duration // CPU time that each request takes
}

func readFaults() (faults, error) {
	share, err := variable("ERRORS", 0)
	if err != nil {
		return faults{}, err
	}
	leak, err := variable("LEAK_KIB", 0)
	if err != nil {
		return faults{}, err
	}
	work, err := variable("WORK_MS", 1)
	return faults{errors: share, leak: int(leak), work: time.Duration(work * float64(time.Millisecond))}, err
}

// known are the keys a configuration file may have.
var known = map[string]bool{"greeting": true, "timeout": true}

// configuration reads key: value lines from the file that CONFIG names. A key nobody knows is an error, as in a program that is strict.
func configuration() (map[string]string, error) {
	out := map[string]string{"greeting": "hello", "timeout": "2s"}
	path := os.Getenv("CONFIG")
	if path == "" {
		return out, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open the configuration: %w", err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		key, value, ok := strings.Cut(lines.Text(), ":")
		key = strings.TrimSpace(key)
		switch {
		case key == "":
		case !ok || !known[key]:
			return nil, fmt.Errorf("%s:%d: unknown key %q", path, n, key)
		default:
			out[key] = strings.TrimSpace(value)
		}
	}
	return out, lines.Err()
}
