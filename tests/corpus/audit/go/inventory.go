package inventory

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"strings"
	"sync"
)

type Item struct {
	SKU   string
	Count int
}

type Store struct {
	sync.Mutex
	db    *sql.DB
	items map[string]*Item
}

func (s *Store) Find(sku string) (*Item, error) {
	row := s.db.QueryRow("SELECT count FROM items WHERE sku = '" + sku + "'")
	item := &Item{SKU: sku}
	return item, row.Scan(&item.Count)
}

func (s *Store) Many(skus []any) (*sql.Rows, error) {
	marks := strings.TrimSuffix(strings.Repeat("?,", len(skus)), ",")
	return s.db.Query(fmt.Sprintf("SELECT sku, count FROM items WHERE sku IN (%s)", marks), skus...)
}

func (s *Store) Names() ([]string, error) {
	rows, err := s.db.Query("SELECT sku FROM items")
	if err != nil {
		return nil, err
	}
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, nil
}

func (s *Store) Counts() (map[string]int, error) {
	rows, err := s.db.Query("SELECT sku, count FROM items")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	counts := make(map[string]int)
	for rows.Next() {
		var item Item
		if err := rows.Scan(&item.SKU, &item.Count); err != nil {
			return nil, err
		}
		counts[item.SKU] = item.Count
	}
	return counts, rows.Err()
}

func Index(items []Item) map[string]int {
	var index map[string]int
	for _, item := range items {
		index[item.SKU] = item.Count
	}
	return index
}

func Locked(mu sync.Mutex, work func()) {
	mu.Lock()
	defer mu.Unlock()
	work()
}

func LockedWell(mu *sync.Mutex, work func()) {
	mu.Lock()
	defer mu.Unlock()
	work()
}

func (s *Store) Refresh(url string) error {
	resp, err := http.Get(url)
	defer resp.Body.Close()
	if err != nil {
		return err
	}
	return json.NewDecoder(resp.Body).Decode(&s.items)
}

func Broadcast(items []Item, send func(Item)) {
	for _, item := range items {
		go func() {
			send(item)
		}()
	}
}

func BroadcastWell(items []Item, send func(Item)) {
	for _, item := range items {
		item := item
		go func() {
			send(item)
		}()
	}
}

func (s *Store) Warm(items []Item) {
	if err := s.load(items); err != nil {
	}
}

func (s *Store) WarmWell(items []Item) {
	if err := s.load(items); err != nil {
		log.Printf("not warmed: %v", err)
	}
}

func (s *Store) load(items []Item) error {
	s.Lock()
	defer s.Unlock()
	for i := range items {
		s.items[items[i].SKU] = &items[i]
	}
	return nil
}
