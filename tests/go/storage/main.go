// Command storage writes one object to etcd and reads it back through kube-apiserver's own storage
// layer, with the three files of kube-apiserver's --etcd-cafile, --etcd-certfile and
// --etcd-keyfile.
//
// It prints OK. If it fails, it prints the error on standard error, and the exit code is 1.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/apiserver/pkg/apis/example"
	examplev1 "k8s.io/apiserver/pkg/apis/example/v1"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/apiserver/pkg/storage/storagebackend"
	"k8s.io/apiserver/pkg/storage/storagebackend/factory"
)

func main() {
	endpoints := flag.String("endpoints", "", "the members' client URLs, separated by commas")
	ca := flag.String("ca", "", "the file that --etcd-cafile names")
	certificate := flag.String("cert", "", "the file that --etcd-certfile names")
	key := flag.String("key", "", "the file that --etcd-keyfile names")
	timeout := flag.Duration("timeout", 20*time.Second, "when to give up")
	flag.Parse()

	// The factory retries in the background, and its clean-up waits for that, so the limit is for the
	// whole process.
	time.AfterFunc(*timeout, func() { fail(fmt.Errorf("gave up after %s", *timeout)) })

	transport := storagebackend.TransportConfig{
		ServerList:    strings.Split(*endpoints, ","),
		TrustedCAFile: *ca,
		CertFile:      *certificate,
		KeyFile:       *key,
	}
	if err := writeAndRead(transport, *timeout); err != nil {
		fail(err)
	}
	fmt.Println("OK")
}

func writeAndRead(transport storagebackend.TransportConfig, timeout time.Duration) error {
	// Pods of the API group that kube-apiserver's library contains for its own tests, so no other
	// package is necessary.
	scheme := runtime.NewScheme()
	utilruntime.Must(example.AddToScheme(scheme))
	utilruntime.Must(examplev1.AddToScheme(scheme))
	codec := serializer.NewCodecFactory(scheme).LegacyCodec(examplev1.SchemeGroupVersion)

	config := storagebackend.NewDefaultConfig("/etcd-pki-storage-test", codec)
	tracer := config.Transport.TracerProvider
	config.Transport = transport
	config.Transport.TracerProvider = tracer
	config.CompactionInterval = 0

	resource := schema.GroupResource{Group: example.GroupName, Resource: "pods"}
	store, destroy, err := factory.Create(*config.ForResource(resource),
		func() runtime.Object { return &example.Pod{} },
		func() runtime.Object { return &example.PodList{} }, "/pods")
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	defer destroy()

	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	name := fmt.Sprintf("pod-%d", time.Now().UnixNano())
	wanted := &example.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "default"},
		Spec:       example.PodSpec{NodeName: "kube-1"},
	}
	path := "/pods/default/" + name
	if err := store.Create(ctx, path, wanted, &example.Pod{}, 0); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	found := &example.Pod{}
	if err := store.Get(ctx, path, storage.GetOptions{}, found); err != nil {
		return fmt.Errorf("read: %w", err)
	}
	if found.Name != name || found.Spec.NodeName != wanted.Spec.NodeName {
		return fmt.Errorf("wrote %s on %s, read %s on %s", name, wanted.Spec.NodeName, found.Name, found.Spec.NodeName)
	}
	return nil
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
