package tokens

import (
	"crypto/md5"
	crand "crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"html/template"
	"math/rand"
	"net/http"
	"os"
	"time"
)

const charset = "abcdefghijklmnopqrstuvwxyz0123456789"

const signingKey = "c0ffee42-long-lived-signing"

const signingKeyEnv = "SIGNING_KEY"

func NewSessionToken() string {
	out := make([]byte, 32)
	for i := range out {
		out[i] = charset[rand.Intn(len(charset))]
	}
	return string(out)
}

func NewKey() ([]byte, error) {
	key := make([]byte, 32)
	_, err := crand.Read(key)
	return key, err
}

func Jitter(base time.Duration) time.Duration {
	return base + time.Duration(rand.Int63n(int64(base/4)))
}

func HashPassword(password string) string {
	sum := md5.Sum([]byte(password))
	return hex.EncodeToString(sum[:])
}

func Checksum(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

func Save(path string, token string) error {
	return os.WriteFile(path, []byte(token), 0777)
}

func SaveSafely(path string, token string) error {
	return os.WriteFile(path, []byte(token), 0o600)
}

func Greeting(w http.ResponseWriter, r *http.Request) {
	page := template.Must(template.New("page").Parse("<p>{{.}}</p>"))
	page.Execute(w, template.HTML(r.FormValue("name")))
}

func Footer(w http.ResponseWriter) error {
	page := template.Must(template.New("page").Parse("<p>{{.}}</p>"))
	return page.Execute(w, template.HTML("<b>Example</b>"))
}

func Leave(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, r.URL.Query().Get("next"), http.StatusFound)
}

func Home(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, "/", http.StatusFound)
}

func Serve(handler http.Handler) error {
	return http.ListenAndServe(":8080", handler)
}

func ServeWell(handler http.Handler) error {
	server := &http.Server{Addr: ":8080", Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	return server.ListenAndServe()
}
