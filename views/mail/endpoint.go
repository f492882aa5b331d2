package mail

import (
	"fmt"
	"strings"
	"time"

	"hookwell/models"
	"hookwell/views"
)

// about is how the words speak of a message's endpoints: "Orders" or "3
// endpoints" in the subject, "the endpoint below" in the text.
type about struct {
	organization, who, object string
	has, is, it               string
}

func aboutEndpoints(v *models.MailValues) about {
	a := about{organization: name(v.Organization, "your organization"), who: fmt.Sprintf("%d endpoints", len(v.Endpoints)), object: "the endpoints below", has: "have", is: "are", it: "they"}
	if len(v.Endpoints) == 1 {
		a.who, a.object, a.has, a.is, a.it = title(&v.Endpoints[0]), "the endpoint below", "has", "is", "it"
	}
	return a
}

func endpointFailing(w Words, v *models.MailValues) written {
	a := aboutEndpoints(v)
	return w.endpoints(v, a, a.who+" "+a.is+" failing",
		fmt.Sprintf("Nothing that %s sent to %s has succeeded since the time below.", a.organization, a.object),
		fmt.Sprintf("Every delivery is tried again by its endpoint's schedule, so nothing has to be done if this passes. An endpoint without a success for %d days that failed on at least %d of them is disabled; another message comes a day before that.",
			int(models.DisableAfter.Hours()/24), models.DisableDays))
}

func endpointDisabling(w Words, v *models.MailValues) written {
	a := aboutEndpoints(v)
	return w.endpoints(v, a, a.who+" "+a.is+" about to be disabled",
		fmt.Sprintf("Nothing that %s sent to %s has succeeded for days. Unless something does, %s %s disabled at the time below.", a.organization, a.object, a.it, a.is),
		"Look at the answers of the last attempts, mend the receiver, and send a delivery again: one success is enough. A test event does not count.")
}

// disabledSubject is the subject of both messages about disabled endpoints.
func disabledSubject(a about) string { return a.who + " " + a.has + " been disabled" }

// endpointDisabled is about endpoints that failed for too long, endpointGone about
// those whose receiver answered 410.
func endpointDisabled(w Words, v *models.MailValues) written {
	a := aboutEndpoints(v)
	return w.endpoints(v, a, disabledSubject(a),
		fmt.Sprintf("Nothing that %s sent to %s has succeeded for %d days, so Hookwell sends nothing more there.", a.organization, a.object, int(models.DisableAfter.Hours()/24)),
		"What waits is kept until it would be too late. Once the receiver is mended, enable the endpoint; the same page sends it the events that it missed.")
}

func endpointGone(w Words, v *models.MailValues) written {
	a := aboutEndpoints(v)
	return w.endpoints(v, a, disabledSubject(a),
		fmt.Sprintf("The receiver of %s answered 410 to %s: it is gone for good. Hookwell sends nothing more there.", a.object, a.organization),
		"If that was a mistake, enable the endpoint; the same page sends it the events that it missed. If the address has moved, change it first.")
}

func endpointRecovered(w Words, v *models.MailValues) written {
	a := aboutEndpoints(v)
	return w.endpoints(v, a, a.who+" "+a.has+" recovered",
		fmt.Sprintf("Deliveries of %s to %s succeed again.", a.organization, a.object),
		"What still waits is tried again by its schedule. What failed for good meanwhile can be sent again from the page.")
}

// endpoints lists a message's endpoints between what happened and what to do.
func (w Words) endpoints(v *models.MailValues, a about, subject, opening, closing string) written {
	var b strings.Builder
	b.WriteString(opening + "\n\n")
	for i := range v.Endpoints {
		e := &v.Endpoints[i]
		b.WriteString(title(e) + "\n")
		if e.Name != "" {
			b.WriteString(e.URL + "\n")
		}
		if e.FailingSince != nil {
			b.WriteString("failing since " + moment(*e.FailingSince) + "\n")
		}
		if e.DisableAt != nil {
			b.WriteString("disabled at " + moment(*e.DisableAt) + "\n")
		}
		b.WriteString(w.link(views.EndpointPath(v.Slug, e.ID)) + "\n\n")
	}
	b.WriteString(closing + "\n\n-- \nYou get this because you are an admin or an owner of " + a.organization + " on Hookwell.\n")
	return written{subject, b.String()}
}

// title returns an endpoint's name, or its URL, which is meant as one.
func title(e *models.MailEndpoint) string {
	if e.Name == "" {
		return oneLine(e.URL, maxSubject)
	}
	return name(e.Name, "an endpoint")
}

func moment(at time.Time) string { return at.UTC().Format("Monday, 2 January 2006, 15:04") + " UTC" }
