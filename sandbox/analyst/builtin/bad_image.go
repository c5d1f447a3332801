package builtin

import (
	"fmt"
	"slices"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/telemetry"
	"github.com/midwatch/midwatch/internal/tools/result"
)

// noImage are the reasons by which a container waits for an image that does not come.
var noImage = []string{"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError", "RegistryUnavailable"}

// badImage: an image cannot be pulled.
func badImage(f *facts) []hypothesis {
	var out []hypothesis
	for _, w := range f.workloads() {
		pods, listed := f.pods(w)
		if !listed {
			continue
		}
		o, c, waits := pods.ill(func(c result.KubernetesContainer) bool { return slices.Contains(noImage, c.State) })
		if !waits {
			continue
		}
		h := hypothesis{
			culprit: w.entity(), service: w.service(), mechanism: investigation.BadImage, confidence: 0.9, told: true,
			title: fmt.Sprintf("%s cannot pull image %s", w, c.Image),
		}
		d, changed := f.rolled(w, telemetry.ChangeImage, telemetry.ChangeTemplate)
		if changed {
			h.confidence = 0.97
			f.rolloutClaim(&h, w, d)
			h.fix = f.takeBack(w, d, "The image before could be pulled.")
		} else {
			h.missing = append(h.missing, fmt.Sprintf("a rollout of %s before: none was seen; the registry may not answer", w))
		}
		h.claim(fmt.Sprintf("Container %s of %s waits in %s for image %s.", c.Name, o.Name, c.State, c.Image), pods.id,
			someContainer(pods.id, fmt.Sprintf(`c["image"] == %q`, c.Image), fmt.Sprintf(`c["state"] == %q`, c.State)))
		if id, failed := f.said(w, "Failed"); len(failed) > 0 {
			h.claim(fmt.Sprintf("The kubelet says: %s", clip(failed[0].Note, 300)), id, some(id, "events", is("reason", "Failed"), is("type", "Warning")))
		}
		h.summary = fmt.Sprintf("New pods of %s do not start, because image %s cannot be pulled (%s).", w, c.Image, c.State)
		if changed {
			h.summary += " " + f.sentence(w, d) + "."
		}
		out = append(out, h)
	}
	return out
}
