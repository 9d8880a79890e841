// cert-manager, for its CustomResourceDefinitions. Nothing is compiled.
module myapp-operator/control-plane/cert-manager

go 1.26.0

require github.com/cert-manager/cert-manager v1.21.2
