package lib

import "sync"

type Pool struct {
	mu    sync.Mutex
	conns []int
}

func (p *Pool) Get() int {
	p.mu.Lock()
	if len(p.conns) == 0 {
		return -1
	}
	conn := p.conns[0]
	p.conns = p.conns[1:]
	p.mu.Unlock()
	return conn
}
