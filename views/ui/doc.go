// Package ui has the parts that pages share:
//
//   - components.templ and components.go: icons, badges, fields with their errors,
//     banners, and times that stay fresh
//   - chart.templ and chart.go: charts with their tables
//   - format.go: how numbers, sizes and times are written
//   - field_id.go: the ids of a field, its errors and its hint
//
// Package views has the pages themselves.
package ui
