// Volumes of the testbed's storage class: each is a directory on this machine's disk, made when a claim is first used.
//
// The controller that watches claims is Kubernetes' own library; only where a volume is stands here. Volumes of
// simulated nodes have no directory, as nothing there mounts them.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/sig-storage-lib-external-provisioner/v13/controller"
)

func main() {
	kubeconfig := flag.String("kubeconfig", "", "how to reach the API server")
	name := flag.String("provisioner", "", "the name by which storage classes call it")
	directory := flag.String("directory", "", "where the volumes are")
	node := flag.String("node", "", "the node that mounts them")
	port := flag.Int("metrics-port", 0, "where /metrics answers, on loopback")
	flag.Parse()

	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer cancel()
	if err := run(ctx, *kubeconfig, *name, int32(*port), &volumes{directory: *directory, node: *node}); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, kubeconfig, name string, port int32, volumes *volumes) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	made := controller.NewProvisionController(
		ctx,
		client,
		name,
		volumes,
		controller.LeaderElection(false),
		controller.MetricsAddress("127.0.0.1"),
		controller.MetricsPort(port),
	)
	made.Run(ctx)
	return nil
}

type volumes struct {
	directory string
	node      string
}

// Provision makes the directory. Whoever mounts it may write: the directory above it is root's alone.
func (v *volumes) Provision(
	_ context.Context, wanted controller.ProvisionOptions,
) (*core.PersistentVolume, controller.ProvisioningState, error) {
	for _, mode := range wanted.PVC.Spec.AccessModes {
		if mode != core.ReadWriteOnce && mode != core.ReadWriteOncePod {
			return nil, controller.ProvisioningFinished, fmt.Errorf(
				"access mode %s: a volume here is a directory of one node; claim it as ReadWriteOnce", mode)
		}
	}
	node := wanted.SelectedNodeName
	if node == "" {
		node = v.node
	}
	path := filepath.Join(v.directory, wanted.PVName)
	if node == v.node {
		if err := os.MkdirAll(path, 0o777); err != nil {
			return nil, controller.ProvisioningFinished, err
		}
		// The process's umask is not the volume's.
		if err := os.Chmod(path, 0o777); err != nil {
			return nil, controller.ProvisioningFinished, err
		}
	}
	volume := &core.PersistentVolume{
		ObjectMeta: meta.ObjectMeta{Name: wanted.PVName},
		Spec: core.PersistentVolumeSpec{
			AccessModes:                   wanted.PVC.Spec.AccessModes,
			Capacity:                      core.ResourceList{core.ResourceStorage: wanted.PVC.Spec.Resources.Requests[core.ResourceStorage]},
			PersistentVolumeReclaimPolicy: *wanted.StorageClass.ReclaimPolicy,
			PersistentVolumeSource:        core.PersistentVolumeSource{Local: &core.LocalVolumeSource{Path: path}},
			NodeAffinity:                  on(node),
		},
	}
	return volume, controller.ProvisioningFinished, nil
}

// Delete removes the directory with all that is in it.
func (v *volumes) Delete(_ context.Context, volume *core.PersistentVolume) error {
	local := volume.Spec.Local
	if local == nil || filepath.Dir(local.Path) != filepath.Clean(v.directory) {
		return &controller.IgnoredError{Reason: fmt.Sprintf("it is not in %s", v.directory)}
	}
	return os.RemoveAll(local.Path)
}

func on(node string) *core.VolumeNodeAffinity {
	here := core.NodeSelectorRequirement{
		Key: core.LabelHostname, Operator: core.NodeSelectorOpIn, Values: []string{node},
	}
	term := core.NodeSelectorTerm{MatchExpressions: []core.NodeSelectorRequirement{here}}
	return &core.VolumeNodeAffinity{Required: &core.NodeSelector{NodeSelectorTerms: []core.NodeSelectorTerm{term}}}
}
