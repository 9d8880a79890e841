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
	decoding := unicode.BOMOverride(unicode.UTF8.NewDecoder())
	reader := transform.NewReader(bytes.NewReader(file), decoding)
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

// diff does what ThreeWayDiff in gitops-engine does for a kind that Kubernetes does not compile in.
// Like it, it encodes the three objects alike: Go writes some characters, such as <, as escapes.
func diff(asked question) answer {
	objects := [][]byte{asked.Original, asked.Config, asked.Live}
	for index, object := range objects {
		encoded, err := encode(object)
		if err != nil {
			return answer{Error: err.Error()}
		}
		objects[index] = encoded
	}
	live := objects[2]
	patch, err := jsonmergepatch.CreateThreeWayJSONMergePatch(objects[0], objects[1], live)
	if err != nil {
		return answer{Error: err.Error()}
	}
	predicted, err := jsonpatch.MergePatch(live, patch)
	if err != nil {
		return answer{Error: err.Error()}
	}
	return answer{Patch: patch, OutOfSync: !jsonpatch.Equal(predicted, live)}
}

func encode(object []byte) ([]byte, error) {
	decoder := json.NewDecoder(bytes.NewReader(object))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, err
	}
	return json.Marshal(value)
}
