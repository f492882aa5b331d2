package main

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strings"

	"github.com/caarlos0/env/v11"
)

// readSettings reads the environment. It is the only place that does. What
// surrounds a value harmlessly, such as the line end of a mounted secret, is
// left out. Its error names every variable that can't be read.
func readSettings() (settings, error) {
	return parseSettings(os.LookupEnv)
}

func parseSettings(lookup func(name string) (string, bool)) (settings, error) {
	values, faults := map[string]string{}, []error{}
	for name := range variables() {
		text, set := lookup(name)
		if text = strings.TrimSpace(text); !set || text == "" {
			continue
		}
		values[name] = text
		if err := checkText(name, text); err != nil {
			faults = append(faults, err)
		}
	}
	if len(faults) > 0 {
		return settings{}, errors.Join(faults...)
	}
	s, err := env.ParseAsWithOptions[settings](env.Options{Environment: values})
	if err != nil {
		return settings{}, explainParse(err, values)
	}
	return s, nil
}

// variables are the settings' variables, each with its field.
func variables() map[string]reflect.StructField {
	all := map[string]reflect.StructField{}
	kind := reflect.TypeFor[settings]()
	for i := range kind.NumField() {
		field := kind.Field(i)
		all[field.Tag.Get("env")] = field
	}
	return all
}

// checkText refuses what no value has: quotes around it, as Docker leaves those
// of an env file, and line ends inside.
func checkText(name, text string) error {
	for _, quote := range []string{`"`, `'`} {
		if len(text) > 1 && strings.HasPrefix(text, quote) && strings.HasSuffix(text, quote) {
			return wrong(name, "remove the quotes (%s) around the value: they are taken as part of it", quote)
		}
	}
	if strings.HasPrefix(text, "HOOKWELL_") && strings.Contains(text, "=") || strings.HasPrefix(text, name+"=") {
		return wrong(name, "remove the name and the = from the value")
	}
	if strings.ContainsAny(text, "\n\r\x00") {
		return wrong(name, "it has more than one line; write one")
	}
	return nil
}

var numberWithUnit = regexp.MustCompile(`^(\d+)\s*[A-Za-z]+$`)

// explainParse says of each variable that is no number what to write.
func explainParse(err error, values map[string]string) error {
	var several env.AggregateError
	if !errors.As(err, &several) {
		return errors.New("the settings can't be read")
	}
	var faults []error
	for name, field := range variables() {
		for _, one := range several.Errors {
			var parse env.ParseError
			if errors.As(one, &parse) && parse.Name == field.Name {
				faults = append(faults, wrong(name, "%s", notANumber(values[name], field.Tag.Get("envDefault"))))
			}
		}
	}
	return errors.Join(faults...)
}

func notANumber(text, example string) string {
	if found := numberWithUnit.FindStringSubmatch(text); found != nil {
		return fmt.Sprintf("write the number alone, %s", found[1])
	}
	return fmt.Sprintf("%q is no whole number; write one such as %s", text, example)
}
