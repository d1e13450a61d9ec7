package slackapi

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
)

// yes makes a refusal of an answer that says neither yes nor no, which slack-go takes for a yes.
type yes struct{ http *http.Client }

// Do is called by slack-go.
func (y yes) Do(r *http.Request) (*http.Response, error) {
	response, err := y.http.Do(r) //nolint:gosec // slack-go makes the request, with the address from the settings
	if err != nil || response.StatusCode != http.StatusOK {
		return response, err
	}
	body, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	if err != nil {
		return nil, err
	}
	var said struct {
		OK    bool   `json:"ok"`
		Error string `json:"error"`
	}
	if json.Unmarshal(body, &said) == nil && !said.OK && said.Error == "" {
		body = []byte(`{"ok":false,"error":"internal_error"}`)
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	return response, nil
}
