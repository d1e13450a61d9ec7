package manifests

import "k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

// nested answers a text somewhere in an object of a kind that has no type here.
func nested(x *unstructured.Unstructured, fields ...string) (string, bool, error) {
	return unstructured.NestedString(x.Object, fields...) //nolint:wrapcheck // only asked whether it is there
}
