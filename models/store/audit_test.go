package store_test

import (
	"context"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"hookwell/models"
	"hookwell/models/store"
)

// change is one use of a method that changes something, and the audit rows it is to write.
type change struct {
	actions []string
	do      func(ctx context.Context, f *fixture, p *property) error
}

// receivingChange is a change of what the case's own source has.
func receivingChange(action, method string) change {
	return change{[]string{action}, func(ctx context.Context, f *fixture, p *property) error {
		_, err := receivingRefused[method](ctx, f.tenant.Receiving(), p.received)
		return err
	}}
}

func tenantChange(action, method string) change {
	use := refused[method]
	if use == nil {
		use = own[method]
	}
	return change{[]string{action}, func(ctx context.Context, f *fixture, p *property) error {
		_, err := use(ctx, f.tenant, p)
		return err
	}}
}

// changes are by type and method. What an API call reports (Publish) is an
// event, with its own log, and no change of anybody's settings.
func changes() map[string]change {
	account := models.Account{Name: "Ada", Email: "ada@example.com", Password: password}
	return map[string]change{
		"Tenant.Resend":          tenantChange("delivery.resent", "Resend"),
		"Tenant.ResendMany":      tenantChange("delivery.resent", "ResendMany"),
		"Tenant.Cancel":          tenantChange("delivery.cancelled", "Cancel"),
		"Tenant.CancelMany":      tenantChange("delivery.cancelled", "CancelMany"),
		"Tenant.Recover":         tenantChange("recovery.started", "Recover"),
		"Tenant.CancelRecovery":  tenantChange("recovery.cancelled", "CancelRecovery"),
		"Tenant.BeginTest":       tenantChange("endpoint.tested", "BeginTest"),
		"Tenant.CreateEndpoint":  tenantChange("endpoint.created", "CreateEndpoint"),
		"Tenant.UpdateEndpoint":  tenantChange("endpoint.updated", "UpdateEndpoint"),
		"Tenant.DisableEndpoint": tenantChange("endpoint.disabled", "DisableEndpoint"),
		"Tenant.EnableEndpoint": {[]string{"endpoint.enabled"}, func(ctx context.Context, f *fixture, p *property) error {
			if err := f.DB().Exec("UPDATE endpoints SET disabled_at = ? WHERE id = ?", f.Now(), p.endpoint.ID).Error; err != nil {
				return err
			}
			_, err := f.tenant.EnableEndpoint(ctx, p.endpoint.ID)
			return err
		}},
		"Tenant.EnableAndReplay": {[]string{"endpoint.enabled", "recovery.started"}, func(ctx context.Context, f *fixture, p *property) error {
			if err := f.DB().Exec("UPDATE endpoints SET disabled_at = ? WHERE id = ?", f.Now().Add(-time.Second), p.endpoint.ID).Error; err != nil {
				return err
			}
			if _, err := f.tenant.Publish(ctx, models.NewEvent{Type: "payment.failed", Data: example("payment.failed")}); err != nil {
				return err
			}
			_, _, err := f.tenant.EnableAndReplay(ctx, p.endpoint.ID)
			return err
		}},
		"Tenant.DismissNotice":   tenantChange("notice.dismissed", "DismissNotice"),
		"Tenant.DeleteEndpoint":  tenantChange("endpoint.deleted", "DeleteEndpoint"),
		"Tenant.RotateSecret":    tenantChange("endpoint.secret_rotated", "RotateSecret"),
		"Tenant.ExpireSecret":    tenantChange("endpoint.secret_expired", "ExpireSecret"),
		"Tenant.SwitchSignature": tenantChange("endpoint.signature_switched", "SwitchSignature"),
		"Tenant.RevealSecrets":   tenantChange("endpoint.secret_revealed", "RevealSecrets"),
		"Platform.RekeySecrets": {[]string{"secrets.rekeyed"}, func(ctx context.Context, f *fixture, _ *property) error {
			_, err := f.rekeyed.Operator().RekeySecrets(ctx)
			return err
		}},
		"Platform.TestMail": {[]string{"mail.tested"}, func(ctx context.Context, f *fixture, _ *property) error {
			_, err := f.Operator().TestMail(ctx, "ada@example.com")
			return err
		}},
		"Platform.LiftSuppression": {[]string{"mail.suppression_lifted"}, func(ctx context.Context, f *fixture, _ *property) error {
			return f.Operator().LiftSuppression(ctx, "stopped@example.com")
		}},
		"Platform.SetReferences": {[]string{"organization.references_set"}, func(ctx context.Context, f *fixture, _ *property) error {
			return f.Operator().SetReferences(ctx, f.tenant.Organization().ID, map[string]string{"stripe": "cus_9"})
		}},
		"Receiving.CreateSource": {[]string{"source.created"}, func(ctx context.Context, f *fixture, _ *property) error {
			in := models.NewSourceInput()
			in.Name, in.Provider, in.Slug = "GitHub", "github", f.clock.NewID("g", f.Now())
			_, err := f.tenant.Receiving().CreateSource(ctx, in)
			return err
		}},
		"Receiving.UpdateSource":        receivingChange("source.updated", "UpdateSource"),
		"Receiving.PauseSource":         receivingChange("source.paused", "PauseSource"),
		"Receiving.ResumeSource":        receivingChange("source.resumed", "ResumeSource"),
		"Receiving.RotateURL":           receivingChange("source.url_rotated", "RotateURL"),
		"Receiving.AddSourceSecret":     receivingChange("source.secret_added", "AddSourceSecret"),
		"Receiving.EndSourceSecret":     receivingChange("source.secret_ended", "EndSourceSecret"),
		"Receiving.RestoreSourceSecret": receivingChange("source.secret_restored", "RestoreSourceSecret"),
		"Receiving.DeleteSource":        receivingChange("source.deleted", "DeleteSource"),
		"Receiving.SendSample":          receivingChange("source.sample_sent", "SendSample"),
		"Receiving.ReplayRequest":       receivingChange("request.replayed", "ReplayRequest"),
		"Receiving.AcceptRequest":       receivingChange("request.accepted", "AcceptRequest"),
		"Receiving.AcceptRequests":      receivingChange("acceptance.started", "AcceptRequests"),
		"Receiving.CancelReplay":        receivingChange("replay.cancelled", "CancelReplay"),
		"Receiving.ReplayRequests": {[]string{"replay.started"}, func(ctx context.Context, f *fixture, _ *property) error {
			if err := f.DB().Exec("UPDATE request_replays SET state = 'done' WHERE state = 'running'").Error; err != nil {
				return err
			}
			_, err := f.tenant.Receiving().ReplayRequests(ctx, models.RequestFilter{}, 0, false)
			return err
		}},
		"Tenant.CreateKey":   tenantChange("key.created", "CreateKey"),
		"Tenant.RevokeKey":   tenantChange("key.revoked", "RevokeKey"),
		"Tenant.NoteRefusal": tenantChange("access.refused", "NoteRefusal"),
		"Tenant.SetRole":     tenantChange("member.role_changed", "SetRole"),
		"Tenant.SetTitle":    tenantChange("member.updated", "SetTitle"),
		"Tenant.TransferOwnership": {[]string{"member.role_changed", "member.role_changed"}, func(ctx context.Context, f *fixture, p *property) error {
			_, err := refused["TransferOwnership"](ctx, f.tenant, p)
			return err
		}},
		"Tenant.RemoveMember": {[]string{"key.revoked", "key.revoked", "member.removed"}, func(ctx context.Context, f *fixture, p *property) error {
			if err := f.DB().Exec("UPDATE api_keys SET created_by_user = ? WHERE id = ?", p.colleague.ID, p.key.ID).Error; err != nil {
				return err
			}
			again := *p.key
			again.ID, again.Hash, again.CreatedByUser = p.key.ID+"2", []byte(p.key.ID), &p.colleague.ID
			if err := f.DB().Save(&again).Error; err != nil {
				return err
			}
			_, err := f.tenant.RemoveMember(ctx, p.member.ID)
			return err
		}},
		"Tenant.Leave":              tenantChange("member.left", "Leave"),
		"Tenant.Invite":             tenantChange("invitation.created", "Invite"),
		"Tenant.ResendInvitation":   tenantChange("invitation.resent", "ResendInvitation"),
		"Tenant.RevokeInvitation":   tenantChange("invitation.revoked", "RevokeInvitation"),
		"Tenant.UpdateOrganization": tenantChange("organization.updated", "UpdateOrganization"),
		"Tenant.DeleteOrganization": {[]string{"organization.created", "organization.deleted"}, func(ctx context.Context, f *fixture, _ *property) error {
			org, _, err := f.Operator().CreateOrganization(ctx, models.NewOrganization{Name: "Short"})
			if err != nil {
				return err
			}
			tenant, err := f.Operator().Tenant(ctx, org.ID)
			if err != nil {
				return err
			}
			return tenant.DeleteOrganization(ctx)
		}},
		"Person.Accept": {[]string{"invitation.accepted", "member.added"}, func(ctx context.Context, f *fixture, p *property) error {
			_, err := f.As(p.invited, models.Actor{}).Accept(ctx, p.token)
			return err
		}},
		"Store.AcceptAsNew": {[]string{"invitation.accepted", "member.added", "user.signed_up"}, func(ctx context.Context, f *fixture, p *property) error {
			_, _, err := f.AcceptAsNew(ctx, p.newToken, models.Account{Name: "New", Password: password}, models.Actor{})
			return err
		}},
		"Platform.CreateOrganization": {[]string{"endpoint.created", "organization.created"}, func(ctx context.Context, f *fixture, _ *property) error {
			n := models.NewOrganization{Name: "New", Endpoints: []models.EndpointInput{input("http://127.0.0.1:9/")}}
			_, _, err := f.Operator().CreateOrganization(ctx, n)
			return err
		}},
		"Platform.CreateUser": {[]string{"member.added", "organization.created", "user.created"}, func(ctx context.Context, f *fixture, _ *property) error {
			_, _, err := f.Operator().CreateUser(ctx, account, "New too", models.RoleOwner)
			return err
		}},
		"Platform.ResetPassword": {[]string{"user.password_reset"}, func(ctx context.Context, f *fixture, _ *property) error {
			return f.Operator().ResetPassword(ctx, "eve@example.com", models.PasswordChange{New: password})
		}},
		"Platform.CreateKey": {[]string{"platform_key.created"}, func(ctx context.Context, f *fixture, _ *property) error {
			_, _, err := f.Operator().CreateKey(ctx, models.NewKey{Name: "k"})
			return err
		}},
		"Platform.CreatePortalLink": {[]string{"portal_link.created"}, func(ctx context.Context, f *fixture, p *property) error {
			platform, err := f.platformKey(ctx)
			if err != nil {
				return err
			}
			_, _, err = f.Platform(platform, models.Actor{}).CreatePortalLink(ctx, f.tenant.Organization().ID, models.NewPortalLink{Role: "guest", Minutes: 1})
			return err
		}},
		"Platform.RevokeKey": {[]string{"platform_key.revoked"}, func(ctx context.Context, f *fixture, _ *property) error {
			key, err := f.platformKey(ctx)
			if err != nil {
				return err
			}
			return f.Operator().RevokeKey(ctx, key.ID)
		}},
		"Person.CreateOrganization": {[]string{"member.added", "organization.created"}, func(ctx context.Context, f *fixture, _ *property) error {
			_, err := f.As(f.eve(ctx), models.Actor{}).CreateOrganization(ctx, "Hers")
			return err
		}},
		"Store.SignUp": {[]string{"user.signed_up"}, func(ctx context.Context, f *fixture, _ *property) error {
			_, err := f.SignUp(ctx, models.SignupOpen, models.Account{Name: "Bob", Email: "bob@example.com", Password: password}, models.Actor{Kind: models.ActorUser})
			return err
		}},
	}
}

// platformKey is the platform's newest key.
func (f *fixture) platformKey(ctx context.Context) (*models.Key, error) {
	keys, err := f.Operator().Keys(ctx)
	if err != nil {
		return nil, err
	}
	return &keys[0], nil
}

// personChanges are what a person does to their own account.
func personChanges() map[string]change {
	person := func(actions []string, name string, do func(ctx context.Context, f *fixture, p *store.Person) error) change {
		return change{actions, func(ctx context.Context, f *fixture, _ *property) error {
			return do(ctx, f, f.rekeyed.As(f.named(ctx, name), models.Actor{}).Proved(f.Now()))
		}}
	}
	return map[string]change{
		"Person.Rename": person([]string{"user.renamed"}, "eve", func(ctx context.Context, _ *fixture, p *store.Person) error { return p.Rename(ctx, "Eve Two") }),
		"Person.ChangePassword": person([]string{"user.password_changed"}, "pam", func(ctx context.Context, _ *fixture, p *store.Person) error {
			_, err := p.ChangePassword(ctx, models.PasswordChange{Present: password, New: password + " anew"}, "")
			return err
		}),
		"Person.RevokeSession": person([]string{"session.revoked"}, "ivy", func(ctx context.Context, _ *fixture, p *store.Person) error {
			list, err := p.Sessions(ctx)
			if err != nil {
				return err
			}
			return p.RevokeSession(ctx, list[0].ID)
		}),
		"Person.RevokeOtherSessions": person([]string{"session.others_revoked"}, "gil", func(ctx context.Context, _ *fixture, p *store.Person) error {
			_, err := p.RevokeOtherSessions(ctx, "")
			return err
		}),
		"Person.AskEmail": person([]string{"user.email_asked"}, "eve", func(ctx context.Context, _ *fixture, p *store.Person) error {
			return p.AskEmail(ctx, "eve.new@example.com")
		}),
		"Person.LinkIdentity": person([]string{"identity.linked"}, "eve", func(ctx context.Context, _ *fixture, p *store.Person) error {
			return p.LinkIdentity(ctx, models.Claims{Issuer: "https://accounts.example.com", Subject: "eve"})
		}),
		"Person.UnlinkIdentity": person([]string{"identity.unlinked"}, "ivy", func(ctx context.Context, _ *fixture, p *store.Person) error {
			return p.UnlinkIdentity(ctx, "https://accounts.example.com", "ivy")
		}),
		"Person.BeginTwoFactor": person([]string{"two_factor.begun"}, "eve", func(ctx context.Context, _ *fixture, p *store.Person) error { return p.BeginTwoFactor(ctx) }),
		"Person.EnableTwoFactor": person([]string{"two_factor.enabled"}, "ivy", func(ctx context.Context, f *fixture, p *store.Person) error {
			_, err := p.EnableTwoFactor(ctx, codeOf(f.rekeyed, p.User()))
			return err
		}),
		"Person.DisableTwoFactor": person([]string{"two_factor.disabled"}, "fay", func(ctx context.Context, f *fixture, p *store.Person) error {
			return p.DisableTwoFactor(ctx)
		}),
		"Person.RenewRecoveryCodes": person([]string{"two_factor.codes_renewed"}, "gil", func(ctx context.Context, f *fixture, p *store.Person) error {
			_, err := p.RenewRecoveryCodes(ctx)
			return err
		}),
		"Platform.RemoveTwoFactor": {[]string{"two_factor.disabled"}, func(ctx context.Context, f *fixture, _ *property) error {
			return f.Operator().RemoveTwoFactor(ctx, "hal@example.com")
		}},
	}
}

// personsOfChanges makes the people that personChanges are about.
func (f *fixture) personsOfChanges(t *testing.T) {
	t.Helper()
	for _, name := range []string{"eve", "pam", "ivy", "fay", "gil", "hal"} {
		if _, err := f.SignUp(t.Context(), models.SignupOpen, models.Account{Name: name, Email: name + "@example.com", Password: password}, models.Actor{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.proved(f.named(t.Context(), "ivy")).BeginTwoFactor(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := f.proved(f.named(t.Context(), "ivy")).LinkIdentity(t.Context(), models.Claims{Issuer: "https://accounts.example.com", Subject: "ivy"}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"fay", "gil", "hal"} {
		f.twoFactor(t, f.named(t.Context(), name))
	}
	f.clock.Advance(time.Minute) // for codes that were not taken yet
	for _, token := range []string{"first", "second"} {
		use := models.SessionUse{UserID: f.named(t.Context(), "ivy").ID}
		if err := f.Sessions().CommitCtx(store.WithSessionUse(t.Context(), use), token, []byte{1}, f.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
}

func (f *fixture) eve(ctx context.Context) *models.User { return f.named(ctx, "eve") }

// named is the account of a name at example.com.
func (f *fixture) named(ctx context.Context, name string) *models.User {
	var user models.User
	if err := f.DB().WithContext(ctx).Where("email = ?", name+"@example.com").Take(&user).Error; err != nil {
		panic(err)
	}
	return &user
}

// reads are the methods that change nothing of anybody's.
var reads = []string{
	"Receiving.If", "Receiving.SourceSummary", "Receiving.OrganizationID", "Receiving.Sources", "Receiving.Source", "Receiving.SourceSummaries", "Receiving.RefusingSources", "Receiving.Acceptable", "Receiving.PreviewMappings", "Receiving.PreviewReplay", "Receiving.SourceSecrets", "Receiving.Requests", "Receiving.Request", "Receiving.Export",
	"Receiving.RefusedCounts", "Receiving.CountReplay", "Receiving.RequestCounts", "Receiving.RequestHours", "Receiving.Replay", "Receiving.Replays", "Tenant.Receiving", "Tenant.EventRequest", "Platform.Receiving", "Platform.References",
	"Tenant.If", "Person.If", "Tenant.Expand", "Tenant.Organization", "Tenant.Audit", "Tenant.AuditAll", "Tenant.Deliveries", "Tenant.Delivery", "Tenant.Attempts", "Tenant.Siblings", "Tenant.Endpoints", "Tenant.EndpointPage",
	"Tenant.Endpoint", "Tenant.HeaderNames", "Tenant.Notices", "Tenant.Missed", "Tenant.Backlogs", "Tenant.BacklogsOf", "Tenant.CountEndpoints", "Tenant.CountSubscribers", "Tenant.EndpointChoices", "Tenant.Subscribers", "Tenant.SummarizeEndpoints", "Tenant.CountHealths", "Tenant.Secrets", "Tenant.Events", "Tenant.Event", "Tenant.StateCountsOf", "Tenant.Verdicts", "Tenant.Keys", "Tenant.Publish",
	"Tenant.EndpointCounts", "Tenant.EndpointTraffic", "Tenant.StateCounts", "Tenant.Strips", "Tenant.Traffic", "Tenant.CountRecovery", "Tenant.Recovery", "Tenant.Recoveries",
	"Tenant.Members", "Tenant.Member", "Tenant.Own", "Tenant.Revocations", "Tenant.Invitations",
	"Platform.Organization", "Platform.Tenant", "Platform.ReportingTenant", "Platform.Organizations", "Platform.Keys", "Platform.MailOutcome", "Platform.Suppressions", "Person.Suppression", "Tenant.MemberNews", "Person.User", "Person.Organizations", "Person.Tenant",
	"Person.CheckProof", "Person.Prove", "Person.ProveCode", "Person.ProveWith", "Person.Proved", "Person.Identities", "Person.Sessions", "Person.TwoFactor", "Person.TwoFactorKey",
}

func TestAudit(t *testing.T) {
	cases := changes()
	maps.Copy(cases, personChanges())
	for _, kind := range []reflect.Type{reflect.TypeFor[*store.Tenant](), reflect.TypeFor[*store.Platform](), reflect.TypeFor[*store.Person](), reflect.TypeFor[*store.Receiving]()} {
		for i := range kind.NumMethod() {
			name := kind.Elem().Name() + "." + kind.Method(i).Name
			if _, changes := cases[name]; !changes && !slices.Contains(reads, name) {
				t.Errorf("%s neither reads nor has a case of its audit row", name)
			}
		}
	}
	eachStore(t, func(t *testing.T, f *fixture) {
		f.personsOfChanges(t)
		if _, _, err := f.Operator().CreateKey(t.Context(), models.NewKey{Name: "first"}); err != nil {
			t.Fatal(err)
		}
		must(t, f.DB().Create(&models.Suppression{Address: "stopped@example.com", Kind: models.MailBounced, MessageID: "msg_1", CreatedAt: f.Now()}).Error)
		f.rekeyed = f.with(t, func(o *store.Options) { o.Mail, o.Vault = true, vault(t, "new:"+masterKey(2)+",1:"+f.key) })
		w := newWatch(t, f.Store)
		preparing := []string{"Tenant.EnableEndpoint", "Tenant.EnableAndReplay", "Tenant.RemoveMember", "Receiving.ReplayRequests"} // whose cases prepare rows
		for name, c := range cases {
			t.Run(name, func(t *testing.T) {
				f.DB().Exec("DELETE FROM mail_messages") // of another case, which would be sealed anew here
				p := f.property(t)
				if strings.HasPrefix(name, "Receiving.") {
					p.received = f.received(t)
				}
				f.withoutAudit(t, func() {
					w.drop(t)
					if err := c.do(t.Context(), f, p); err == nil || asError(err) != nil {
						t.Errorf("its audit row could not be written, and it answered %v", err)
					}
					if !slices.Contains(preparing, name) {
						w.untouched(t)
					}
				})
				var before, after []models.AuditEntry
				f.DB().Order("id").Find(&before)
				if err := c.do(t.Context(), f, p); err != nil {
					t.Fatal(err)
				}
				f.DB().Order("id").Find(&after)
				added := after[len(before):]
				actions := named(added, func(e models.AuditEntry) string { return e.Action })
				slices.Sort(actions)
				if name == "Platform.RekeySecrets" {
					actions = slices.Compact(actions) // one for each table that has something old
				}
				if !slices.Equal(actions, c.actions) {
					t.Errorf("wrote %v, want %v", actions, c.actions)
				}
				for _, e := range added {
					if e.TargetID == "" || e.TargetName == "" || e.ActorKind == "" || e.ActorName == "" {
						t.Errorf("%+v says too little", e)
					}
				}
			})
		}
	})
}

// withoutAudit has the database refuse audit rows meanwhile.
func (f *fixture) withoutAudit(t *testing.T, do func()) {
	t.Helper()
	set, lift := []string{"CREATE TRIGGER mute BEFORE INSERT ON audit_entries BEGIN SELECT RAISE(ABORT, 'mute'); END"}, []string{"DROP TRIGGER mute"}
	if onPostgres(f.Store) {
		set = []string{"CREATE FUNCTION mute() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'mute'; END $$",
			"CREATE TRIGGER mute BEFORE INSERT ON audit_entries FOR EACH ROW EXECUTE FUNCTION mute()"}
		lift = []string{"DROP TRIGGER mute ON audit_entries", "DROP FUNCTION mute()"}
	}
	run := func(statements []string) {
		for _, statement := range statements {
			if err := f.DB().Exec(statement).Error; err != nil {
				t.Fatal(err)
			}
		}
	}
	run(set)
	do()
	run(lift)
}
