package main

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// filters are what narrows the log of deliveries; %s is an endpoint's id.
func filters(endpoints []string, now time.Time) []string {
	period := fmt.Sprintf("since=%s&until=%s", now.AddDate(0, 0, -9).Format("2006-01-02"), now.AddDate(0, 0, -7).Format("2006-01-02"))
	list := []string{"", "period=24h", period, "type=payment.succeeded", "type=subscription.expired", "type=org.deleted", "type=security.*"}
	for _, state := range []string{"failed", "retrying", "pending", "cancelled", "delivered"} {
		list = append(list, "state="+state, "state="+state+"&type=payment.*", "state="+state+"&type=org.deleted", "state="+state+"&"+period)
	}
	for _, e := range endpoints {
		list = append(list, "endpoint="+e, "endpoint="+e+"&state=failed", "endpoint="+e+"&state=retrying", "endpoint="+e+"&state=delivered", "endpoint="+e+"&type=payment.failed",
			"endpoint="+e+"&"+period)
	}
	return list
}

// pages returns all that is measured.
func (v *visitor) pages(ctx context.Context) ([]page, error) {
	pages := []page{{"overview, 24 h", v.org}, {"overview, 7 d", v.org + "?period=7d"}, {"overview, 30 d", v.org + "?period=30d"},
		{"endpoints", v.org + "/endpoints"}, {"catalog", v.org + "/catalog"}}
	named, err := v.links(ctx, v.org+"/endpoints")
	if err != nil {
		return nil, err
	}
	var ids []string
	for name, path := range named {
		if name == "Production API" || name == "CRM bridge" || name == "Partner feed" {
			pages = append(pages, page{"endpoint " + name, path})
			ids = append(ids, path[strings.LastIndexByte(path, '/')+1:])
		}
	}
	names := func(query string) string {
		for name, path := range named {
			query = strings.ReplaceAll(query, path[strings.LastIndexByte(path, '/')+1:], name)
		}
		return query
	}
	for _, filter := range filters(ids, time.Now().UTC()) {
		if pages, err = v.log(ctx, pages, "/deliveries", filter, names); err != nil {
			return nil, err
		}
	}
	for _, filter := range []string{"", "type=payment.succeeded", "type=subscription.expired", "type=org.deleted", "type=org.*", "origin=api", "origin=app", "origin=test", "period=24h"} {
		if pages, err = v.log(ctx, pages, "/events", filter, names); err != nil {
			return nil, err
		}
	}
	if len(ids) > 0 {
		pages = append(pages, page{"events, not sent to an endpoint", v.org + "/events?missed=" + ids[0]})
	}
	for _, of := range []string{"/deliveries", "/deliveries?state=failed", "/events"} {
		rows, err := v.links(ctx, v.org+of)
		if err != nil {
			return nil, err
		}
		for _, path := range rows {
			pages = append(pages, page{"one of " + of, path})
			break
		}
	}
	return pages, nil
}

// log adds the first page of a log, and the hundredth where there is one.
func (v *visitor) log(ctx context.Context, pages []page, of, filter string, names func(string) string) ([]page, error) {
	path, name := v.org+of, strings.TrimPrefix(of, "/")
	if filter != "" {
		path += "?" + filter
		name += ", " + names(strings.ReplaceAll(filter, "&", ", "))
	}
	pages = append(pages, page{name, path})
	for range *depth - 1 {
		doc, err := v.document(ctx, path)
		if err != nil {
			return nil, err
		}
		older, ok := doc.Find("nav[aria-label=Pages] a").Last().Attr("href")
		if !ok || older == path || !strings.Contains(older, "cursor=") {
			return pages, nil
		}
		path = older
	}
	return append(pages, page{fmt.Sprintf("%s, page %d", name, *depth), path}), nil
}

// links returns the rows of a list, by name.
func (v *visitor) links(ctx context.Context, path string) (map[string]string, error) {
	doc, err := v.document(ctx, path)
	if err != nil {
		return nil, err
	}
	found := map[string]string{}
	for _, link := range doc.Find("tbody a.rowlink").EachIter() {
		href, _ := link.Attr("href")
		found[strings.TrimSpace(link.Text())] = href
	}
	return found, nil
}
