package poller

import (
	"context"
	"io"
	"log"
	"net/http"
	"os"
	"strconv"
	"time"
)

type Poller struct {
	client *http.Client
	done   chan struct{}
	events chan string
}

func New() *Poller {
	return &Poller{client: &http.Client{}, done: make(chan struct{}), events: make(chan string, 16)}
}

func NewWell() *Poller {
	client := &http.Client{Timeout: 15 * time.Second}
	return &Poller{client: client, done: make(chan struct{}), events: make(chan string, 16)}
}

func (p *Poller) Run() {
	for {
		select {
		case event := <-p.events:
			log.Print(event)
		case <-p.done:
			return
		case <-time.After(time.Minute):
			log.Print("idle")
		}
	}
}

func (p *Poller) RunWell() {
	idle := time.NewTicker(time.Minute)
	defer idle.Stop()
	for {
		select {
		case event := <-p.events:
			log.Print(event)
		case <-p.done:
			return
		case <-idle.C:
			log.Print("idle")
		}
	}
}

func (p *Poller) Spin() {
	for {
		select {
		case event := <-p.events:
			log.Print(event)
		default:
		}
	}
}

func (p *Poller) Offer(event string) bool {
	select {
	case p.events <- event:
		return true
	default:
		return false
	}
}

func (p *Poller) Body(ctx context.Context, url string) []byte {
	req, _ := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	resp, err := p.client.Do(req)
	if err != nil {
		return nil
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil
	}
	return body
}

func Interval(text string) time.Duration {
	seconds, _ := strconv.Atoi(text)
	return time.Duration(seconds) * time.Second
}

func IntervalOr(text string, fallback time.Duration) time.Duration {
	seconds, err := strconv.Atoi(text)
	if err != nil {
		return fallback
	}
	return time.Duration(seconds) * time.Second
}

func Guard(work func()) {
	recover()
	work()
}

func GuardWell(work func()) {
	defer func() {
		if cause := recover(); cause != nil {
			log.Printf("recovered: %v", cause)
		}
	}()
	work()
}

func LogTo(path string) {
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o640)
	if err != nil {
		log.Fatal(err)
	}
	defer file.Close()
	log.SetOutput(file)
}
