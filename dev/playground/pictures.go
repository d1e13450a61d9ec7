package playground

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
)

const (
	mostPicture  = 4 << 20
	mostPictures = 50
	// pictureHost is where KARTE and Slack are told that a picture is. The page shows it from here instead.
	pictureHost = "https://shop.example.com"
)

var pictureKinds = map[string]string{"image/png": "png", "image/jpeg": "jpg", "image/gif": "gif", "image/webp": "webp"}

// pictures keeps the last pictures that customers sent.
type pictures struct {
	mu     sync.Mutex
	made   int
	names  []string
	byName map[string][]byte
}

var errNoPicture = errors.New("only PNG, JPEG, GIF and WebP pictures of at most 4 MiB")

func (p *pictures) serveUpload(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, mostPicture))
	suffix := pictureKinds[http.DetectContentType(body)]
	if err != nil || suffix == "" {
		writeError(w, http.StatusBadRequest, errNoPicture)
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{"url": pictureHost + "/pictures/" + p.keep(body, suffix)})
}

func (p *pictures) keep(body []byte, suffix string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.made++
	name := fmt.Sprintf("%04d.%s", p.made, suffix)
	if p.byName == nil {
		p.byName = map[string][]byte{}
	}
	p.byName[name], p.names = body, append(p.names, name)
	if len(p.names) > mostPictures {
		delete(p.byName, p.names[0])
		p.names = slices.Delete(p.names, 0, 1)
	}
	return name
}

func (p *pictures) serve(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	body := p.byName[r.PathValue("name")]
	p.mu.Unlock()
	if body == nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", http.DetectContentType(body))
	_, _ = w.Write(body) // a page that was closed needs no answer
}
