// Command workload is what test pods run: a server, and programs that fail in the ways programs fail.
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

const usage = `usage: workload COMMAND
  serve           answer on port 8080 with the host's name, and log each request
  get URL         print what it answers
  lookup NAME     print its addresses
  hog             take memory until somebody minds
  fail            say why and exit 1
  spin            use one processor
  sleep           do nothing
`

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("no command\n%s", usage)
	}
	args = append(args, "")
	switch args[0] {
	case "serve":
		return serve()
	case "get":
		return get(args[1])
	case "lookup":
		addresses, err := net.DefaultResolver.LookupHost(context.Background(), args[1])
		fmt.Println(strings.Join(addresses, "\n"))
		return err
	case "hog":
		hog()
	case "fail":
		return fmt.Errorf("read configuration: no such setting")
	case "spin":
		for {
			_ = args
		}
	case "sleep":
		ended := make(chan os.Signal, 1)
		signal.Notify(ended, syscall.SIGTERM)
		<-ended
		return nil
	}
	return fmt.Errorf("no command %q\n%s", args[0], usage)
}

func serve() error {
	name, err := os.Hostname()
	if err != nil {
		return err
	}
	server := &http.Server{Addr: ":8080", ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Printf("%s %q\n", r.Method, r.URL.Path)
		fmt.Fprintln(w, name)
	})}
	fmt.Println("listening")
	return server.ListenAndServe()
}

func get(url string) error {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	_, err = io.Copy(os.Stdout, res.Body)
	return err
}

func hog() {
	for held := [][]byte{}; ; time.Sleep(time.Millisecond) {
		page := make([]byte, 1<<20)
		for i := range page {
			page[i] = byte(i)
		}
		held = append(held, page)
		if len(held)%16 == 0 {
			fmt.Println(len(held), "MiB")
		}
	}
}
