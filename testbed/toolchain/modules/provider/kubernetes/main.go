// Command kubernetes is the published Pulumi Kubernetes provider. The module's own main embeds files that
// its release process generates; the build lays the module's schema.json and terraform-mapping.json
// in their place (a build overlay), so nothing generated is kept here.
package main

import (
	_ "embed"

	"github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/provider"
	"github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/version"
)

//go:embed schema.json
var schema []byte

//go:embed terraform-mapping.json
var terraformMapping []byte

func main() { provider.Serve("kubernetes", version.Version, schema, terraformMapping) }
