package views

import "encoding/json"

// htmxConfig keeps htmx within the Content-Security-Policy, and lets it swap
// the form that comes back with faults.
func htmxConfig() string {
	config, _ := json.Marshal(map[string]any{
		"includeIndicatorStyles":    false,
		"defaultSettleDelay":        0, // what was swapped in must work at once
		"historyCacheSize":          0,
		"refreshOnHistoryMiss":      true,
		"historyRestoreAsHxRequest": false,
		"allowEval":                 false,
		"selfRequestsOnly":          true,
		"disableInheritance":        true,
		"responseHandling": []map[string]any{
			{"code": "204", "swap": false},
			{"code": "[23]..", "swap": true},
			{"code": "422", "swap": true},
			{"code": "[45]..", "swap": false, "error": true},
		},
	})
	return string(config)
}

// csrfHeader is what every htmx request carries, by hx-headers on the body.
func csrfHeader(token string) string {
	header, _ := json.Marshal(map[string]string{"X-CSRF-Token": token})
	return string(header)
}
