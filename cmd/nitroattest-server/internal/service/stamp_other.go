//go:build !linux

package service

import "time"

// stamp is nothing where it is not known what a file system says of changes.
type stamp struct{}

func stampOf(string) (stamp, bool)   { return stamp{}, false }
func (stamp) settled(time.Time) bool { return false }
