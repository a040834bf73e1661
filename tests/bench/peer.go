// peer.go: many GETs of one URL with Go's net/http and encoding/json.
//
//	peer URL TOTAL CONCURRENCY [hold]
//
// prints the same line as multi.c.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

func usage() syscall.Rusage {
	var use syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &use)
	return use
}

func cpuMicros() float64 {
	use := usage()
	return float64(use.Utime.Nano()+use.Stime.Nano()) / 1e3
}

func currentRSS() int64 {
	text, _ := os.ReadFile("/proc/self/statm")
	pages, _ := strconv.ParseInt(strings.Fields(string(text))[1], 10, 64)
	return pages * 4
}

func get(client *http.Client, url string) bool {
	response, err := client.Get(url)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	var value interface{}
	return err == nil && response.StatusCode == 200 && json.Unmarshal(body, &value) == nil
}

func main() {
	if len(os.Args) < 4 {
		fmt.Fprintln(os.Stderr, "usage: peer URL TOTAL CONCURRENCY [hold]")
		os.Exit(2)
	}
	url, hold := os.Args[1], len(os.Args) > 4
	total, _ := strconv.ParseInt(os.Args[2], 10, 64)
	concurrency, _ := strconv.Atoi(os.Args[3])
	client := &http.Client{Transport: &http.Transport{
		MaxIdleConns:        concurrency,
		MaxIdleConnsPerHost: concurrency,
		DisableCompression:  true,
	}}
	var started, ok, rss int64
	var workers sync.WaitGroup
	var first sync.Once
	cpu, begin := cpuMicros(), time.Now()
	for i := 0; i < concurrency; i++ {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for atomic.AddInt64(&started, 1) <= total {
				if get(client, url) {
					atomic.AddInt64(&ok, 1)
				}
				if hold {
					first.Do(func() { rss = currentRSS() })
				}
			}
		}()
	}
	workers.Wait()
	if !hold {
		rss = usage().Maxrss
	}
	fmt.Printf("cpu_us=%.2f wall_ms=%.1f rss_kib=%d ok=%d\n", (cpuMicros()-cpu)/float64(total),
		float64(time.Since(begin).Microseconds())/1e3, rss, ok)
	if ok != total {
		os.Exit(1)
	}
}
