package webhook

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"
)

// errTimeout ends the context of an exchange whose time is up, and tells that
// apart from a caller who stops it.
var errTimeout = errors.New("exchange timed out")

// failure names why no response came, and says it for people without the text
// of the error, which may hold addresses.
func (a *attempt) failure(ctx context.Context, err error, at phase) (Cause, string) {
	var dial *dialError
	wantCert := false
	if errors.As(err, &dial) {
		at, wantCert = dial.phase, dial.wantCert
	}
	alert := alertIn(err)
	if dial == nil && at >= phaseRequest {
		wantCert = a.below.wantCert.Load()
		if alert == nil && a.shared != nil {
			alert = alertOf(ctx, a.shared, err)
		}
	}
	var network net.Error
	switch {
	case a.overdrawn:
		return CauseReset, unusedSentence
	case errors.Is(err, ErrBlocked):
		return CauseBlocked, blockedSentence(err)
	case ctx.Err() != nil && !errors.Is(context.Cause(ctx), errTimeout),
		errors.Is(err, context.Canceled) && ctx.Err() == nil: // the sender was closed
		what, _ := CauseInterrupted.Advice(0)
		return CauseInterrupted, what
	case at == phaseDNS && dial != nil || at == phaseDNS && ctx.Err() != nil:
		return CauseDNS, dnsSentence(err)
	case ctx.Err() != nil, errors.Is(err, os.ErrDeadlineExceeded),
		errors.As(err, &network) && network.Timeout():
		return CauseTimeout, timeoutSentence(at, a.message.Timeout)
	case alert != nil:
		return CauseTLS, alertSentence(alert, wantCert, at)
	case at == phaseTLS:
		return CauseTLS, tlsSentence(err)
	}
	return connectionFailure(err, at)
}

// Sentences of failures that no error of the system stands for.
const (
	unusedSentence     = "The receiver opened connections and took no request on them."
	handedBackSentence = "The receiver gave the request back before it answered, as a server does that restarts or is full (HTTP/2 GOAWAY or REFUSED_STREAM)."
)

func connectionFailure(err error, at phase) (Cause, string) {
	cause := CauseProtocol
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		cause = CauseRefused
	case errors.Is(err, errDials):
		return CauseConnect, unusedSentence
	case handedBack(err):
		return CauseReset, handedBackSentence
	case at == phaseConnect && !errors.Is(err, syscall.ECONNRESET): // which may come before connecting has ended
		cause = CauseConnect
	case errors.Is(err, errHeadersTooLarge), overlong(err):
		cause = CauseResponseTooLarge
	case at == phaseRequest && !brokenHTTP2(err), errors.Is(err, syscall.ECONNRESET), errors.Is(err, io.ErrUnexpectedEOF):
		cause = CauseReset
	}
	what, _ := cause.Advice(0)
	return cause, what
}

// overlong, brokenHTTP2, handedBack and unestablished search the text of
// an error, as nothing else here does: net/http makes these errors without an
// exported type or value to know them by. Tests provoke each, and fail when a new
// Go says it in other words.
func overlong(err error) bool {
	return strings.Contains(err.Error(), "response header list larger than advertised limit")
}

// brokenHTTP2 tells that our side gave up a connection, for frames that are not
// HTTP/2. Headers of twice the limit it already are: there net/http stops reading.
func brokenHTTP2(err error) bool {
	return strings.HasPrefix(err.Error(), "connection error: ")
}

// handedBack tells that an HTTP/2 receiver said that it has not processed the
// request, after it was sent.
func handedBack(err error) bool {
	return strings.Contains(err.Error(), "http2: Transport: cannot retry err [")
}

// unprocessed tells that the receiver said so by GOAWAY or REFUSED_STREAM. What
// net/http takes for it besides, PROTOCOL_ERROR, says nothing of the kind.
func unprocessed(err error) bool {
	return handedBack(err) && !strings.Contains(err.Error(), "PROTOCOL_ERROR")
}

// unestablished tells that a connection ended before its first request.
func unestablished(err error) bool {
	return strings.HasPrefix(err.Error(), "http2: client conn could not be established")
}

// ending reports whether net/http closes the connection after this error: it says
// so to the request first.
func ending(err error) bool {
	var network *net.OpError
	return unestablished(err) || strings.HasPrefix(err.Error(), "http2: client conn is closed") || errors.As(err, &network) && (network.Op == "read" || network.Op == "write") ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

func blockedSentence(err error) string {
	if errors.Is(err, errPlaintext) {
		return string(faultHTTPS)
	}
	what, _ := CauseBlocked.Advice(0)
	return what
}

func dnsSentence(err error) string {
	var dns *net.DNSError
	switch {
	case !errors.As(err, &dns) || dns.IsTimeout:
		return "The name servers did not answer in time."
	case dns.IsNotFound:
		what, _ := CauseDNS.Advice(0)
		return what
	}
	return "The name servers failed to answer."
}

func timeoutSentence(at phase, timeout time.Duration) string {
	switch at {
	case phaseConnect:
		return fmt.Sprintf("The receiver did not take the connection within %s.", seconds(timeout))
	case phaseTLS:
		return fmt.Sprintf("The receiver did not finish the TLS handshake within %s.", seconds(timeout))
	case phaseResponse:
		return fmt.Sprintf("The receiver did not finish the headers of its response within %s.", seconds(timeout))
	}
	return fmt.Sprintf("The receiver did not answer within %s.", seconds(timeout))
}

func seconds(d time.Duration) string {
	return fmt.Sprintf("%.3g s", d.Seconds())
}

func tlsSentence(err error) string {
	var (
		invalid   x509.CertificateInvalidError
		hostname  x509.HostnameError
		authority x509.UnknownAuthorityError
		record    tls.RecordHeaderError
	)
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "The certificate of the receiver has expired or is not valid yet."
	case errors.As(err, &hostname):
		return "The certificate of the receiver is for another host name."
	case errors.As(err, &authority):
		return "The certificate of the receiver is not signed by a known authority."
	case errors.As(err, &invalid):
		return "The certificate of the receiver is not valid."
	case errors.As(err, &record):
		return "The receiver does not speak TLS at this port."
	}
	return "The TLS handshake failed. TLS 1.2 or later is needed."
}
