package config

import (
	"os"

	"hookwell/webhook"
)

func (s *checks) checkCatalog() (err error) {
	var extra []byte
	if s.Catalog != "" {
		if extra, err = os.ReadFile(s.Catalog); err != nil {
			return Wrong("HOOKWELL_CATALOG", "%v", err)
		}
	}
	if s.config.Catalog, err = webhook.NewCatalog(extra); err != nil {
		return Wrong("HOOKWELL_CATALOG", "%v", err)
	}
	return nil
}
