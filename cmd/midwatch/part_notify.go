package main

import (
	"github.com/midwatch/midwatch/activities/notify"
	"github.com/midwatch/midwatch/workers"
)

// notifier gives the notify role the addresses it may post to, and what takes secrets and names out of a message.
func (in *installation) notifier(cfg *workers.Config) error {
	if len(in.settings.Notify.Targets) == 0 {
		return nil
	}
	names, err := in.ring("pseudonyms")
	if err != nil {
		return err
	}
	cfg.PseudonymKey, cfg.Hosts = names.Newest(), []string{hostName()}
	cfg.Notifier, err = notify.New(in.settings.Notify)
	return err
}
