// Package ui has the parts that pages share: icons, badges, fields with their
// faults, banners, times that stay fresh, charts, and how numbers, sizes and times
// are written. What a page is about is the business of package views.
package ui
