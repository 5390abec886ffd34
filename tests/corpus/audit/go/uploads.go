package uploads

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
)

const root = "/srv/uploads"

var ErrEmpty = errors.New("uploads: empty file")

func Handle(w http.ResponseWriter, r *http.Request) {
	data, err := os.ReadFile(filepath.Join(root, r.URL.Query().Get("name")))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	w.Write(data)
}

func HandleWell(w http.ResponseWriter, r *http.Request) {
	name := filepath.Base(r.URL.Query().Get("name"))
	http.ServeFile(w, r, filepath.Join(root, name))
}

func Scan(name string) error {
	return exec.Command("bash", "-c", fmt.Sprintf("clamscan --quiet %s", name)).Run()
}

func ScanWell(name string) error {
	return exec.Command("clamscan", "--quiet", "--", name).Run()
}

func Prepare() error {
	return exec.Command("sh", "-c", "ls /srv/uploads | wc -l").Run()
}

func Save(name string, body io.Reader) error {
	file, err := os.Create(filepath.Join(root, filepath.Base(name)))
	if err != nil {
		return err
	}
	n, err := io.Copy(file, body)
	if err == nil && n == 0 {
		err = ErrEmpty
	}
	return err
}

func SaveWell(name string, body io.Reader) (err error) {
	file, err := os.Create(filepath.Join(root, filepath.Base(name)))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	_, err = io.Copy(file, body)
	return err
}

func Config() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionSSL30}
}

func ConfigWell() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS13}
}

func Merge(parts [][]byte) []byte {
	var all []byte
	for _, part := range parts {
		all = append(all, part...)
	}
	return all
}

func Tail(parts []string, extra string) []string {
	var tail []string
	tail = append(parts, extra)
	return tail
}

func IsEmpty(err error) bool {
	return err == ErrEmpty
}

func IsEmptyWell(err error) bool {
	return errors.Is(err, ErrEmpty)
}
