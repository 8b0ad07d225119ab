// Command registry serves the CNCF Distribution registry from a local directory.
// The published command links cloud storage drivers and telemetry exporters that a testbed has no use for.
package main

import (
	"context"
	"errors"
	"flag"
	"log"
	"net"
	"net/http"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/distribution/distribution/v3/configuration"
	"github.com/distribution/distribution/v3/registry/handlers"
	_ "github.com/distribution/distribution/v3/registry/storage/driver/filesystem"
)

func main() {
	directory := flag.String("directory", "", "where blobs and manifests are kept")
	secret := flag.String("secret", "", "signs upload states across restarts")
	listen := flag.String("listen", "127.0.0.1:5000", "addresses, comma separated")
	flag.Parse()
	if *directory == "" {
		log.Fatal("--directory is required: the registry keeps its images there")
	}

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()

	config := &configuration.Configuration{
		Storage: configuration.Storage{
			"filesystem": configuration.Parameters{"rootdirectory": *directory},
			"delete":     configuration.Parameters{"enabled": true},
		},
	}
	config.HTTP.Secret = *secret
	server := &http.Server{Handler: handlers.NewApp(ctx, config), ReadHeaderTimeout: 10 * time.Second}

	failed := make(chan error)
	for _, address := range strings.Split(*listen, ",") {
		listener, err := net.Listen("tcp", address)
		if err != nil {
			log.Fatal(err)
		}
		log.Printf("listening on %s", address)
		go func() { failed <- server.Serve(listener) }()
	}
	select {
	case err := <-failed:
		if !errors.Is(err, http.ErrServerClosed) {
			log.Fatal(err)
		}
	case <-ctx.Done():
		grace, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := server.Shutdown(grace); err != nil {
			log.Print(err)
		}
	}
}
