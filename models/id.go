package models

import (
	"strconv"
	"strings"
)

// The prefixes of our ids, one per noun.
const (
	PrefixOrganization = "org_"
	PrefixUser         = "usr_"
	PrefixMember       = "mem_"
	PrefixEndpoint     = "ep_"
	PrefixSecret       = "sec_"
	PrefixEvent        = "evt_"
	PrefixDelivery     = "dlv_"
	PrefixAttempt      = "att_"
	PrefixKey          = "key_"
	PrefixAudit        = "aud_"
	PrefixRecovery     = "rec_"
	PrefixInvitation   = "inv_"
	PrefixNotice       = "ntc_"
	PrefixPortalLink   = "lnk_"
	PrefixMail         = "mail_"
	PrefixSession      = "ses_"
	PrefixSource       = "src_"
	PrefixRequest      = "req_"
	PrefixReplay       = "rpl_"
)

// IDLength is how many characters follow an id's prefix.
const IDLength = 26

var idPrefixes = []string{
	PrefixOrganization, PrefixUser, PrefixMember, PrefixEndpoint, PrefixSecret,
	PrefixEvent, PrefixDelivery, PrefixAttempt, PrefixKey, PrefixAudit, PrefixRecovery, PrefixInvitation, PrefixSession, PrefixPortalLink,
	PrefixNotice, PrefixMail, PrefixSource, PrefixRequest, PrefixReplay,
}

// looksLikeID reports whether text begins as one of our ids does. External ids
// may not, so that one name never means two organizations.
func looksLikeID(text string) bool {
	for _, prefix := range idPrefixes {
		if strings.HasPrefix(text, prefix) && len(text) == len(prefix)+IDLength {
			return true
		}
	}
	return false
}

// attemptID names one attempt of a delivery. Attempts are keyed by delivery
// and number; the id only joins the two, and so is the same for ever.
func attemptID(deliveryID string, number int) string {
	return PrefixAttempt + strings.TrimPrefix(deliveryID, PrefixDelivery) + "_" + strconv.Itoa(number)
}
