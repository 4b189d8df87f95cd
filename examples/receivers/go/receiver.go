// Takes what Holdfast sends: only what is genuine, and each message once. Go 1.18 or newer, and nothing else.
package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	bodyBytesMax = 4 << 20
	ageMax       = 5 * time.Minute
	idsMax       = 10_000
)

type receiver struct {
	keys   [][]byte
	taking sync.Mutex
	// Their ids, oldest first. A table of the database you write to anyway has no such bound, and outlives a restart.
	ids   []string
	taken map[string]bool
}

// Your part. When it fails, the answer is 500 and the message comes again. Slow work belongs in a queue of your own.
func take(topic string, body []byte) error {
	text := body
	if len(text) > 80 {
		text = text[:80]
	}
	line, err := json.Marshal(map[string]any{"topic": topic, "bytes": len(body), "text": string(text)})
	if err == nil {
		_, err = fmt.Println(string(line))
	}
	return err
}

// One at a time: a repeat waits for the first. What failed is not noted, and may come again.
func (r *receiver) takeOnce(id, topic string, body []byte) error {
	r.taking.Lock()
	defer r.taking.Unlock()
	if r.taken[id] {
		return nil
	}
	if err := take(topic, body); err != nil {
		return err
	}
	r.taken[id] = true
	r.ids = append(r.ids, id)
	if len(r.ids) > idsMax {
		delete(r.taken, r.ids[0])
		r.ids = r.ids[1:]
	}
	return nil
}

func (r *receiver) ServeHTTP(answer http.ResponseWriter, request *http.Request) {
	if request.Method != http.MethodPost || request.URL.Path != "/events" {
		http.NotFound(answer, request)
		return
	}
	body, err := io.ReadAll(io.LimitReader(request.Body, bodyBytesMax+1))
	if err != nil { // cut off, or too slow
		http.Error(answer, err.Error(), http.StatusRequestTimeout)
		return
	}
	if len(body) > bodyBytesMax {
		io.Copy(io.Discard, request.Body) // still writing, it would miss the answer
		http.Error(answer, "too large", http.StatusRequestEntityTooLarge)
		return
	}
	if err := r.genuine(request.Header, body); err != nil {
		http.Error(answer, err.Error(), http.StatusUnauthorized)
		return
	}
	topic, _ := url.PathUnescape(request.Header.Get("mqtt-topic"))
	if err := r.takeOnce(request.Header.Get("webhook-id"), topic, body); err != nil {
		http.Error(answer, err.Error(), http.StatusInternalServerError)
		return
	}
	answer.WriteHeader(http.StatusNoContent)
}

// Why a request is not from the gateway; nil when it is.
func (r *receiver) genuine(headers http.Header, body []byte) error {
	id, timestamp, signatures := headers.Get("webhook-id"), headers.Get("webhook-timestamp"), headers.Get("webhook-signature")
	if id == "" || timestamp == "" || signatures == "" {
		return errors.New("webhook-id, webhook-timestamp and webhook-signature are needed")
	}
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if age := time.Since(time.Unix(seconds, 0)); err != nil || age > ageMax || age < -ageMax {
		return errors.New("webhook-timestamp is not of these minutes")
	}
	for _, key := range r.keys {
		hash := hmac.New(sha256.New, key)
		fmt.Fprintf(hash, "%s.%s.", id, timestamp)
		hash.Write(body)
		wanted := "v1," + base64.StdEncoding.EncodeToString(hash.Sum(nil))
		for _, given := range strings.Split(signatures, " ") {
			if hmac.Equal([]byte(given), []byte(wanted)) { // in constant time
				return nil
			}
		}
	}
	return errors.New("no signature is of a secret that is known here")
}

// Of WEBHOOK_SECRETS or the file WEBHOOK_SECRETS_FILE.
func keys() (found [][]byte, err error) {
	secrets := os.Getenv("WEBHOOK_SECRETS")
	if file := os.Getenv("WEBHOOK_SECRETS_FILE"); secrets == "" && file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		secrets = string(text)
	}
	for _, secret := range strings.Fields(secrets) {
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
		if err != nil || len(key) < 24 || !strings.HasPrefix(secret, "whsec_") {
			return nil, errors.New("a secret is written whsec_ and base64")
		}
		found = append(found, key)
	}
	if len(found) == 0 {
		return nil, errors.New("WEBHOOK_SECRETS, or the file WEBHOOK_SECRETS_FILE, must hold secrets")
	}
	return found, nil
}

func main() {
	keys, err := keys()
	if err != nil {
		log.Fatal(err)
	}
	port := os.Getenv("PORT")
	if port == "" {
		port = "3000"
	}
	server := &http.Server{
		Addr:        "127.0.0.1:" + port,
		Handler:     &receiver{keys: keys, taken: map[string]bool{}},
		ReadTimeout: 30 * time.Second,
	}
	told, _ := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	answered := make(chan error)
	go func() {
		<-told.Done()
		answered <- server.Shutdown(context.Background()) // what is in flight is answered first
	}()
	if err := server.ListenAndServe(); err != http.ErrServerClosed {
		log.Fatal(err)
	}
	<-answered
}
