// json_encode.go FOLDER ROUNDS NAME...: CPU time of encoding/json's Marshal on FOLDER/NAME.json,
// unmarshalled to interface{}. Prints NAME=ms.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"syscall"
)

func cpu() float64 {
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e6
}

func main() {
	rounds, _ := strconv.Atoi(os.Args[2])
	for _, name := range os.Args[3:] {
		text, err := os.ReadFile(filepath.Join(os.Args[1], name+".json"))
		if err != nil {
			panic(err)
		}
		var value interface{}
		if err := json.Unmarshal(text, &value); err != nil {
			panic(err)
		}
		times := make([]float64, rounds)
		for round := range times {
			began := cpu()
			if _, err := json.Marshal(value); err != nil {
				panic(err)
			}
			times[round] = cpu() - began
		}
		sort.Float64s(times)
		fmt.Printf("%s=%.4f ", name, times[rounds/2])
	}
	fmt.Println()
}
