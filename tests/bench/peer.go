// peer.go: many GETs of one URL with Go's net/http and encoding/json.
//
//	peer URL TOTAL CONCURRENCY
//
// prints ok, the number of good answers. SSL_CERT_FILE names the CA's certificate for https.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
)

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
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: peer URL TOTAL CONCURRENCY")
		os.Exit(2)
	}
	url := os.Args[1]
	total, _ := strconv.ParseInt(os.Args[2], 10, 64)
	concurrency, _ := strconv.Atoi(os.Args[3])
	client := &http.Client{Transport: &http.Transport{
		MaxIdleConns:        concurrency,
		MaxIdleConnsPerHost: concurrency,
		DisableCompression:  true,
	}}
	var started, ok int64
	var workers sync.WaitGroup
	for i := 0; i < concurrency; i++ {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for atomic.AddInt64(&started, 1) <= total {
				if get(client, url) {
					atomic.AddInt64(&ok, 1)
				}
			}
		}()
	}
	workers.Wait()
	fmt.Printf("ok=%d\n", ok)
	if ok != total {
		os.Exit(1)
	}
}
