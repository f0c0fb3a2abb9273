// Says what it was built for, and how many certificates it would trust.
package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"
)

func main() {
	bundle, err := os.ReadFile(os.Getenv("SSL_CERT_FILE"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	count := strings.Count(string(bundle), "-----BEGIN CERTIFICATE-----")
	fmt.Printf("Hello from Go on %s/%s, trusting %d certificates\n", runtime.GOOS, runtime.GOARCH, count)
}
