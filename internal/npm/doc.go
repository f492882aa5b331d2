// Package npm tests receiving with the packages that providers publish for Node:
// they sign requests that the built program takes at its front door, and verify what
// it passes on. testdata has the packages, pinned, and the program that calls them.
package npm
