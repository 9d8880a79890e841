// Answers what kubectl reads in a text, and what Argo CD finds between a file and a live object.
// Each line on standard input is a question in JSON; each line on standard output is its answer.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/jsonmergepatch"
	"k8s.io/apimachinery/pkg/util/yaml"
)

// question holds either a file to read, in base64, or the three objects of a diff.
type question struct {
	File     []byte          `json:"file"`
	Original json.RawMessage `json:"original"`
	Config   json.RawMessage `json:"config"`
	Live     json.RawMessage `json:"live"`
}

type answer struct {
	Documents []json.RawMessage `json:"documents"`
	Patch     json.RawMessage   `json:"patch,omitempty"`
	OutOfSync bool              `json:"outOfSync"`
	Error     string            `json:"error"`
}

func main() {
	input := bufio.NewReader(os.Stdin)
	output := bufio.NewWriter(os.Stdout)
	defer output.Flush()
	for {
		line, err := input.ReadBytes('\n')
		if len(line) > 0 {
			var asked question
			var answered answer
			if err := json.Unmarshal(line, &asked); err != nil {
				answered.Error = err.Error()
			} else if asked.Live != nil {
				answered = diff(asked)
			} else {
				answered = read(asked.File)
			}
			text, err := json.Marshal(answered)
			if err != nil {
				text = []byte(fmt.Sprintf(`{"documents":null,"error":%q}`, err.Error()))
			}
			output.Write(append(text, '\n'))
		}
		if err != nil {
			return
		}
	}
}

// read does what FileVisitor and StreamVisitor of k8s.io/cli-runtime do with a file.
func read(file []byte) answer {
	found := answer{Documents: []json.RawMessage{}}
	reader := transform.NewReader(bytes.NewReader(file), unicode.BOMOverride(unicode.UTF8.NewDecoder()))
	decoder := yaml.NewYAMLOrJSONDecoder(reader, 4096)
	for {
		extension := runtime.RawExtension{}
		if err := decoder.Decode(&extension); err == io.EOF {
			return found
		} else if err != nil {
			found.Error = err.Error()
			return found
		}
		raw := bytes.TrimSpace(extension.Raw)
		if len(raw) > 0 && !bytes.Equal(raw, []byte("null")) {
			found.Documents = append(found.Documents, raw)
		}
	}
}

// diff makes the two calls of ThreeWayDiff in gitops-engine for a kind that Kubernetes does not compile in.
func diff(asked question) answer {
	patch, err := jsonmergepatch.CreateThreeWayJSONMergePatch(asked.Original, asked.Config, asked.Live)
	if err != nil {
		return answer{Error: err.Error()}
	}
	predicted, err := jsonpatch.MergePatch(asked.Live, patch)
	if err != nil {
		return answer{Error: err.Error()}
	}
	return answer{Patch: patch, OutOfSync: !jsonpatch.Equal(predicted, asked.Live)}
}
