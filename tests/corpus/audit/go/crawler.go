package crawler

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"sync"
	"time"
)

type Page struct {
	URL  string
	Body []byte
}

func Fetch(urls []string, fetch func(string) Page) []Page {
	var wg sync.WaitGroup
	pages := make([]Page, len(urls))
	for i := range urls {
		go func(i int) {
			wg.Add(1)
			defer wg.Done()
			pages[i] = fetch(urls[i])
		}(i)
	}
	wg.Wait()
	return pages
}

func FetchAll(urls []string, fetch func(string) Page) []Page {
	var wg sync.WaitGroup
	pages := make([]Page, len(urls))
	for i, url := range urls {
		wg.Add(1)
		go func(i int, url string) {
			defer wg.Done()
			pages[i] = fetch(url)
		}(i, url)
	}
	wg.Wait()
	return pages
}

func Concat(target io.Writer, paths []string) error {
	for _, path := range paths {
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		defer file.Close()
		if _, err := io.Copy(target, file); err != nil {
			return err
		}
	}
	return nil
}

func Each(paths []string, visit func(*os.File) error) error {
	for _, path := range paths {
		err := func() error {
			file, err := os.Open(path)
			if err != nil {
				return err
			}
			defer file.Close()
			return visit(file)
		}()
		if err != nil {
			return err
		}
	}
	return nil
}

func Render(ctx context.Context, url string) ([]byte, error) {
	return exec.CommandContext(ctx, "sh", "-c", "chromium --headless --dump-dom "+url).Output()
}

func Screenshot(ctx context.Context, url, target string) error {
	return exec.CommandContext(ctx, "chromium", "--headless", "--screenshot="+filepath.Clean(target), url).Run()
}

func Until(parent context.Context, work func(context.Context) error) error {
	ctx, _ := context.WithTimeout(parent, 5*time.Minute)
	return work(ctx)
}

func UntilDone(parent context.Context, work func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(parent, 5*time.Minute)
	defer cancel()
	return work(ctx)
}

func Interrupted() <-chan os.Signal {
	signals := make(chan os.Signal)
	signal.Notify(signals, os.Interrupt)
	return signals
}

func Watch(signals chan os.Signal) {
	buffered := make(chan os.Signal, 1)
	signal.Notify(buffered, os.Interrupt)
	log.Print(<-buffered)
}

func Describe(pages []Page) string {
	text := ""
	for _, page := range pages {
		text += fmt.Sprintf("%s: %d bytes\n", page.URL, len(page.Body))
	}
	return text
}
