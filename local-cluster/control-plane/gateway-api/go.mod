// The Gateway API, for its CustomResourceDefinitions. Nothing is compiled.
module myapp-operator/control-plane/gateway-api

go 1.26.0

require sigs.k8s.io/gateway-api v1.4.0
