// What the Go end of test/e2e/gotls.sh does. Who serves writes a line for each request; who asks, one for each answer.
//
//	gotls_tool server PORT CERT KEY          lines: METHOD PATH PROTO CODE REQUEST_BYTES RESPONSE_BYTES
//	gotls_tool client BASE KIND WORKERS N    the same, of each of N requests of each worker; KIND h1, h2, h2big
//	gotls_tool stack ADDRESS PATH N          N requests whose answers are read into a goroutine's stack
package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"
)

var out sync.Mutex

func say(format string, args ...interface{}) {
	out.Lock()
	defer out.Unlock()
	fmt.Printf(format+"\n", args...)
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "gotls_tool:", err)
		os.Exit(1)
	}
}

// Grows the stack, so that it is moved, and lets others run.
//
//go:noinline
func deep(n int) int {
	var room [512]byte
	if n == 0 {
		runtime.Gosched()
		return 0
	}
	room[n%512] = byte(n)
	return deep(n-1) + int(room[n%512])
}

// /code/C and /bytes/N/...: what is answered.
func serve(w http.ResponseWriter, r *http.Request) {
	code, n := 200, 6
	parts := strings.Split(r.URL.Path, "/")
	if len(parts) > 2 && parts[1] == "code" {
		code, _ = strconv.Atoi(parts[2])
	}
	if len(parts) > 2 && parts[1] == "bytes" {
		n, _ = strconv.Atoi(parts[2])
	}
	got, err := io.Copy(io.Discard, r.Body)
	check(err)
	deep(40)
	w.WriteHeader(code)
	w.Write(bytes.Repeat([]byte("x"), n))
	say("%s %s %s %d %d %d", r.Method, r.URL.Path, r.Proto, code, got, n)
}

func server(port, cert, key string) {
	check(http.ListenAndServeTLS("127.0.0.1:"+port, cert, key, http.HandlerFunc(serve)))
}

func ask(c *http.Client, base, proto string, worker, i int) {
	method, path, body := "GET", fmt.Sprintf("/get/%d/%d", worker, i), 0
	big := 300000
	if proto == "h2" { // what many large bodies have between them on one connection is not captured
		big = 5000
	}
	switch i % 5 {
	case 1:
		path = fmt.Sprintf("/code/404/%d/%d", worker, i)
	case 2:
		path = fmt.Sprintf("/bytes/%d/%d/%d", big, worker, i)
	case 3:
		method, path, body = "POST", fmt.Sprintf("/post/%d/%d/%d", big, worker, i), big
	}
	path += "/" + proto
	r, err := http.NewRequest(method, base+path, bytes.NewReader(make([]byte, body)))
	check(err)
	deep(i % 60)
	a, err := c.Do(r)
	check(err)
	n, err := io.Copy(io.Discard, a.Body)
	check(err)
	a.Body.Close()
	say("%s %s %s %d %d %d", method, path, a.Proto, a.StatusCode, body, n)
}

func client(base, proto string, workers, n int) {
	var all sync.WaitGroup
	t := &http.Transport{
		TLSClientConfig:     &tls.Config{InsecureSkipVerify: true},
		ForceAttemptHTTP2:   strings.HasPrefix(proto, "h2"),
		MaxIdleConnsPerHost: workers,
	}
	c := &http.Client{Transport: t, Timeout: 30 * time.Second}
	for w := 0; w < workers; w++ {
		all.Add(1)
		go func(w int) {
			defer all.Done()
			for i := 0; i < n; i++ {
				ask(c, base, proto, w, i)
			}
		}(w)
	}
	all.Wait()
}

// The buffer fills most of a small stack: what Read calls makes it move.
func one(c *tls.Conn, path string, done chan int) {
	var room [5000]byte
	fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path)
	n, err := c.Read(room[:])
	check(err)
	a, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(append([]byte{}, room[:n]...))), nil)
	check(err)
	done <- a.StatusCode
}

func stack(address, path string, n int) {
	for i := 0; i < n; i++ {
		done := make(chan int)
		c, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true})
		check(err)
		go one(c, fmt.Sprintf("%s/%d", path, i), done)
		say("GET %s/%d HTTP/1.1 %d 0 6", path, i, <-done)
		c.Close()
	}
}

func main() {
	n, _ := strconv.Atoi(os.Args[len(os.Args)-1])
	go func() { // stacks also shrink, and what nobody needs any more is overwritten
		for range time.Tick(100 * time.Millisecond) {
			runtime.GC()
		}
	}()
	switch os.Args[1] {
	case "server":
		server(os.Args[2], os.Args[3], os.Args[4])
	case "client":
		workers, _ := strconv.Atoi(os.Args[4])
		client(os.Args[2], os.Args[3], workers, n)
	case "stack":
		stack(os.Args[2], os.Args[3], n)
	}
}
