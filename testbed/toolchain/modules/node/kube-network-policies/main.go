// Network policies of the testbed's node, decided by upstream's controller for the first packet of each connection.
//
// Upstream's own program takes its API server from the pod that it runs in; ours runs on the host. Which packets the
// kernel hands over is for the testbed: upstream asks for an expression of nftables that some kernels lack.
package main

import (
	"context"
	"flag"
	"log"
	"net/http"
	"os/signal"
	"sync/atomic"
	"syscall"

	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/kube-network-policies/pkg/networkpolicy"
)

func main() {
	kubeconfig := flag.String("kubeconfig", "", "how to reach the API server")
	node := flag.String("node", "", "the node's name")
	queue := flag.Int("queue", 0, "the number of the netfilter queue that packets come from")
	listen := flag.String("listen", "", "where /healthz answers once policies are known")
	flag.Parse()

	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer cancel()
	if err := run(ctx, *kubeconfig, *node, *queue, *listen); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, kubeconfig, node string, queue int, listen string) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	config.ContentType = "application/vnd.kubernetes.protobuf"
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	factory := informers.NewSharedInformerFactory(client, 0)
	controller, err := networkpolicy.NewController(
		client,
		factory.Networking().V1().NetworkPolicies(),
		factory.Core().V1().Namespaces(),
		factory.Core().V1().Pods(),
		nil, nil, nil, nil,
		networkpolicy.Config{NodeName: node, QueueID: queue},
	)
	if err != nil {
		return err
	}
	var known atomic.Bool
	http.HandleFunc("/healthz", func(answer http.ResponseWriter, _ *http.Request) {
		if !known.Load() {
			http.Error(answer, "the policies are not known yet", http.StatusServiceUnavailable)
		}
	})
	ended := make(chan error, 2)
	go func() { ended <- http.ListenAndServe(listen, nil) }()
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	known.Store(true)
	go func() { ended <- controller.Run(ctx) }()
	return <-ended
}
