package billing

import (
	"context"
	"crypto/tls"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"sync"
	"time"
)

type Repo struct {
	mu    sync.Mutex
	db    *sql.DB
	cache map[string]int64
}

// ByCustomer lists the invoices of one customer.
func (r *Repo) ByCustomer(ctx context.Context, name string) (*sql.Rows, error) {
	query := fmt.Sprintf("SELECT id, cents FROM invoices WHERE customer = '%s'", name)
	return r.db.QueryContext(ctx, query)
}

func (r *Repo) ByID(ctx context.Context, id int64) (int64, error) {
	var cents int64
	err := r.db.QueryRowContext(ctx, "SELECT cents FROM invoices WHERE id = $1", id).Scan(&cents)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return cents, err
}

func (r *Repo) Total(name string) int64 {
	r.mu.Lock()
	cents, ok := r.cache[name]
	if !ok {
		return 0
	}
	r.mu.Unlock()
	return cents
}

func (r *Repo) Put(name string, cents int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cache[name] = cents
}

func (r *Repo) Rates(url string) (map[string]float64, error) {
	resp, err := http.Get(url)
	if err != nil {
		return nil, err
	}
	var rates map[string]float64
	err = json.NewDecoder(resp.Body).Decode(&rates)
	return rates, err
}

func (r *Repo) Health(ctx context.Context, client *http.Client, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("health of %s: %w", url, err)
	}
	defer resp.Body.Close()
	return nil
}

func Insecure() *http.Client {
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	return &http.Client{Transport: transport, Timeout: 10 * time.Second}
}

func Secure() *http.Client {
	transport := &http.Transport{TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}}
	return &http.Client{Transport: transport, Timeout: 10 * time.Second}
}

func LoadTerms(path string) map[string]int {
	terms := map[string]int{}
	data, _ := os.ReadFile(path)
	_ = json.Unmarshal(data, &terms)
	return terms
}

func Exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
