"""What the doctor concludes, at the end of a run, about backward, steps, schedules and parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rushlight.doctor.findings import WARNING
from rushlight.doctor.places import Place
from rushlight.doctor.steps import Optimizing, Parameter, Scheduling, Steps, first_names, found

if TYPE_CHECKING:
    from rushlight.doctor.watching import Doctor

# Where points that a loss is differentiated by, which are nobody's weights, go in.
_AS_DATA = {(name, 0) for name in ("linear", "convolution", "cat", "stack", "sub")}
_LOOP = "The order of a step is: optimizer.zero_grad(), loss.backward(), optimizer.step()."


def conclude(steps: Steps, finished: bool) -> None:
    """Everything that can be said."""
    doctor = steps.doctor
    for optimizing in steps.optimizers:
        if optimizing.steps:
            _loop(doctor, steps, optimizing)
            _without_gradient(doctor, steps, optimizing)
    _by_hand(doctor, steps)
    _clipping(doctor, steps)
    _made_anew(doctor, steps)
    if finished:
        _never_stepped(doctor, steps)
        for schedule in steps.schedules:
            _schedule(doctor, schedule)
    for schedule in steps.schedules:
        _rates(doctor, schedule)
    _not_optimized(doctor, steps)
    _sums(doctor, steps)


def _loop(doctor: Doctor, steps: Steps, o: Optimizing) -> None:
    find, n = doctor.find, o.steps
    if o.forgot >= 2 and o.forgot * 2 >= n - 1:
        find(found(
            "zero-grad", "gradients are never cleared: zero_grad is forgotten", steps.backward_place,
            f"In {o.forgot} of {n} steps of {o.kind}, backward added its gradients to those that an earlier "
            "step had used already, so that each step goes along the sum of all gradients so far.",
            f"Call optimizer.zero_grad() before each backward. {_LOOP}", ("step", steps.step_place or o.place),
        ))  # fmt: skip
    if o.wiped >= 2 and o.wiped * 2 >= n - 1:
        find(found(
            "zeroed-before-step", "gradients are cleared between backward and step", steps.step_place,
            f"In {o.wiped} of {n} steps of {o.kind}, the gradients that backward had computed were gone when "
            "step was called, so that nothing was learned from them.",
            f"Call zero_grad before backward or after step. {_LOOP}",
        ))  # fmt: skip
    elif o.empty == n >= 2 and not doctor.backwards:
        find(found(
            "no-backward", "step is called, but backward never", steps.step_place,
            f"{o.kind} made {n} steps, and no parameter ever had a gradient: the weights did not move.",
            f"Call loss.backward() before optimizer.step(). {_LOOP}",
        ))  # fmt: skip
    elif o.empty_first and n >= 3 and o.empty <= n // 2 and any(k.backwards for k in o.params):
        find(found(
            "step-before-backward", "the first step is made before any backward", steps.step_place,
            f"In the first step of {o.kind} no parameter had a gradient; each later one uses the gradient "
            "of the batch before.",
            _LOOP,
        ))  # fmt: skip
    if o.unused >= 3 and o.behind * 2 >= n >= 2 and not o.wiped:
        find(found(
            "step-seldom", "gradients are cleared before a step has used them", steps.step_place,
            f"{o.unused} backwards gave gradients that were cleared before {o.kind} made a step; only the last one "
            f"before each of its {n} steps counted.",
            f"Make the step within the loop, behind backward; or clear less often, to add gradients up. {_LOOP}",
            ("made", o.place),
        ))  # fmt: skip
    if o.again >= 3 and not o.forgot:
        find(found(
            "step-twice", "step is called again without a new gradient", steps.step_place,
            f"In {o.again} of {n} steps of {o.kind}, no backward had run since the step before: the same "
            "gradient was used twice.",
            "Call step once for each backward.", severity=WARNING,
        ))  # fmt: skip
    if o.shared >= 2:
        find(found(
            "two-optimizers", "two optimizers move the same parameter by the same gradient",
            steps.step_place,
            f"In {o.shared} steps of {o.kind}, gradients were used that another optimizer had used since "
            "the last backward: parameters move twice as far as meant, with two states.",
            "Give each parameter to one optimizer; different options go into parameter groups.",
            ("made", o.place),
        ))  # fmt: skip


def _without_gradient(doctor: Doctor, steps: Steps, o: Optimizing) -> None:
    """Parameters that an optimizer has and that never got a gradient."""
    if o.steps < 2 or not doctor.backwards or (o.empty_first and o.wiped):
        return
    wants = [k for k in o.params if not k.frozen]
    frozen = len(o.params) - len(wants)
    if frozen and not wants:
        doctor.find(found(
            "frozen", "every parameter of an optimizer is frozen", o.place,
            f"{o.kind} has {frozen} parameters, all with requires_grad=False: {first_names(o.params)}. No "
            "step can move them.",
            "Set requires_grad=True for what is to be trained, or give the optimizer other parameters.",
        ))  # fmt: skip
        return
    head = [k for k in o.params if k.frozen and not k.backwards and k.last * 2 >= o.steps]
    if head and any(k.backwards for k in wants):
        doctor.find(found(
            "frozen", "the last layer is frozen, and what stands before it is trained", o.place,
            f"{first_names(head)} has requires_grad=False and is the last that the loss comes from; {o.kind} has it, "
            f"and moves {first_names([k for k in wants if k.backwards])}.",
            "Set requires_grad=True for the last layer: a new head is what is trained first. If it is meant to "
            "stay, leave it out of the optimizer.", *([("used", head[0].place)] if head[0].place else []),
            severity=WARNING,
        ))  # fmt: skip
    missing = [k for k in wants if not k.backwards and not k.library]
    if not missing:
        return
    if len(missing) == len(wants) and o.empty == o.steps and not all(k.uses for k in missing):
        others = [k for k in steps.params.values() if k.backwards and k.is_parameter]
        if not others:
            return
        doctor.find(found(
            "other-parameters", "an optimizer moves other parameters than those that are trained", o.place,
            f"None of the {len(wants)} parameters of {o.kind} ever got a gradient ({first_names(wants)}), "
            f"while others did: {first_names(others)}. It was made for another model, or before layers "
            "were replaced.",
            "Make the optimizer after the model is complete, from the parameters of the model that the loss "
            "comes from.",
        ))  # fmt: skip
        return
    reached = [k for k in steps.params.values() if k.backwards]
    if len(missing) == len(wants) and reached and not any(k.is_parameter for k in reached):
        doctor.find(found(
            "cut", "backward ends at a tensor that was made anew", reached[0].place,
            f"No parameter of {o.kind} ever got a gradient: the loss comes from a tensor that was made from plain "
            "numbers (torch.tensor(...), or .detach() and requires_grad=True), and leads back to that alone.",
            "Compute the loss from the outputs of the model with operations of torch all the way: torch.stack(losses) "
            "instead of torch.tensor(losses).", ("optimizer", o.place),
        ))  # fmt: skip
        return
    replaced = [k for k in missing if not k.uses]
    cut = [k for k in missing if k.uses]
    outside = [
        k for k in steps.params.values()
        if k.backwards >= 2 and k.is_parameter and not steps._optimized(k) and not k.by_hand
    ]  # fmt: skip
    if replaced and outside:
        doctor.find(found(
            "other-parameters", "an optimizer still has parameters of layers that were replaced", o.place,
            f"{o.kind} has {first_names(replaced)}, which the model does not use; the model uses "
            f"{first_names(outside)}, which no optimizer has and which stay as they are.",
            "Make the optimizer after the layers are replaced (or give it the new ones with add_param_group).",
        ))  # fmt: skip
    elif replaced:
        doctor.find(found(
            "unused-parameter", "parameters are never used", o.place,
            f"{first_names(replaced)}: no operation of the run took them, so that they have no gradient and "
            f"the steps of {o.kind} leave them as they are.",
            "Is a layer missing in forward, or one called under another one's name? If not, remove it.",
            severity=WARNING,
        ))  # fmt: skip
    if cut:
        looked = doctor.looked
        also = [("used", k.place) for k in cut[:1] if k.place]
        also += [(f"last {looked[0]}", looked[1])] if looked else []
        doctor.find(found(
            "no-gradient", "parameters are used, and never get a gradient", o.place,
            f"{first_names(cut)}: used in {max(k.uses for k in cut)} operations, but no path leads from the "
            "loss back to them.",
            "Look between there and the loss for detach(), .data, no_grad(), .item(), .numpy(), argmax or "
            "rounding. If it is meant, set requires_grad=False.", *also,
        ))  # fmt: skip


def _not_optimized(doctor: Doctor, steps: Steps) -> None:
    """Parameters that get gradients, and that nobody moves."""
    active = [o for o in steps.optimizers if o.steps]
    if not active or any(f.kind == "other-parameters" for f in doctor.report._all.values()):
        return
    most = max(o.steps for o in active)
    idle = [
        k for k in steps.params.values()
        if (k.is_parameter or (k.loose and k.use not in _AS_DATA))
        and k.backwards >= max(2, most // 2) and not steps._optimized(k) and not k.by_hand
        and not k.library and (k.was_frozen or not k.loaded)
    ]  # fmt: skip
    if not idle:
        return
    frozen = [k for k in idle if k.was_frozen]
    doctor.find(found(
        "not-optimized",
        "parameters get gradients, but no optimizer has them",
        (frozen or idle)[0].place,
        f"{first_names(frozen or idle)}: {max(k.backwards for k in idle)} backwards gave them gradients, and "
        "they never moved."
        + (" They were frozen when the optimizer was made." if frozen else ""),
        "Give them to the optimizer (add_param_group). Layers in a Python list or dict, and plain tensors, are not "
        "seen by model.parameters(): use nn.ModuleList or nn.ModuleDict, and nn.Parameter. If they are meant to stay, "
        "freeze them with requires_grad_(False).",
        ("optimizer", active[0].place),
    ))  # fmt: skip


def _never_stepped(doctor: Doctor, steps: Steps) -> None:
    made = [o for o in steps.optimizers if not o.steps]
    if not made or any(o.steps for o in steps.optimizers):
        return
    reached = [k for o in made for k in o.params if k.backwards >= 3]
    if reached and not any(k.by_hand for k in reached):
        doctor.find(found(
            "no-step", "backward is called, but the optimizer never makes a step", made[0].place,
            f"{max(k.backwards for k in reached)} backwards gave gradients to {first_names(reached)}; step() "
            f"of {made[0].kind} was never called, so that nothing was learned.",
            f"Call optimizer.step() after each backward (with the parentheses). {_LOOP}",
            *([("backward", steps.backward_place)] if steps.backward_place else []),
        ))  # fmt: skip


def _by_hand(doctor: Doctor, steps: Steps) -> None:
    for place, count in steps.by_hand_forgot.items():
        if count >= 2:
            doctor.find(found(
                "zero-grad", "gradients are never cleared", place,
                "The parameters were changed by hand with their gradients, and the next backward added to "
                f"those ({count} times).",
                "Clear each one after its update: w.grad = None, or w.grad.zero_().",
            ))  # fmt: skip


def _clipping(doctor: Doctor, steps: Steps) -> None:
    calls, none, late = (steps.clips[key] for key in ("calls", "none", "late"))
    if none + late >= 2 and (none + late) * 10 >= calls * 7:
        doctor.find(found(
            "clip-order", "gradients are clipped when there is nothing to clip", steps.clip_place,
            f"In {none + late} of {calls} calls "
            + ("no parameter had a gradient: backward had not run yet." if none > late else
               "the gradients were those that a step had used already, and the next backward makes new "
               "ones."),
            "Clip after backward and before step.",
        ))  # fmt: skip


def _made_anew(doctor: Doctor, steps: Steps) -> None:
    places: dict[tuple[Place, Parameter], list[Optimizing]] = {}
    for o in steps.optimizers:
        if o._keeps_state and o.steps in (1, 2) and o.params:
            places.setdefault((o.place, o.params[0]), []).append(o)
    for (place, _), same in places.items():
        if len(same) >= 5:
            doctor.find(found(
                "optimizer-anew", "the optimizer is made anew in each step", place,
                f"{len(same)} of {same[0].kind} were made there for the same parameters, each for a step or "
                "two: their momentum and averages are lost each time.",
                "Make the optimizer once, before the loop.",
            ))  # fmt: skip


def _schedule(doctor: Doctor, s: Scheduling) -> None:
    made = s.whose.steps if s.whose is not None else 0
    name = s.kind
    if not s.steps and made >= 10:
        doctor.find(found(
            "scheduler-never", f"{name} is made, but never makes a step", s.place,
            f"The optimizer made {made} steps, and the learning rate was never changed"
            + (": it stayed at 0, and nothing was learned." if not any(s.whose.rates if s.whose else [1]) else "."),
            "Call scheduler.step() after each epoch (or each batch, for those that count batches).",
            severity=WARNING,
        ))  # fmt: skip
    if s.early and made and s.first is not None and s.steps >= 2:
        doctor.find(found(
            "scheduler-first", "the scheduler makes its step before the optimizer", s.first,
            f"{name}.step() was called before the first optimizer.step(): the first learning rate is never "
            "used.",
            "Call optimizer.step() first, and scheduler.step() after it.", severity=WARNING,
        ))  # fmt: skip
    if s.mode == "max" and len(s.measures) >= 6:
        third = len(s.measures) // 3
        first, last = (sum(part) / third for part in (s.measures[:third], s.measures[-third:]))
        rates = s.whose.rates if s.whose is not None else []
        if 0 < last < 0.9 * first and rates and rates[-1] < rates[0]:
            doctor.find(found(
                "plateau-mode", f"{name} waits for a larger measure, and is given one that falls", s.first,
                f'With mode="max", what was given to step() fell from {first:.4g} to {last:.4g}; it took that for '
                f"no progress, and the learning rate from {rates[0]:.3g} to {rates[-1]:.3g}.",
                'For a loss take mode="min"; "max" is for an accuracy.', severity=WARNING,
            ))  # fmt: skip
    if (
        name == "OneCycleLR"
        and s.total
        and s.steps
        and made >= s.total // 2
        and s.steps * 5 < s.total
    ):
        doctor.find(found(
            "schedule-slow", "OneCycleLR counts batches, and is stepped more seldom", s.first,
            f"It was made for {s.total} steps and got {s.steps}, while the optimizer made {made}: the rate "
            "never left its start.",
            "Call scheduler.step() after each batch, behind optimizer.step().", severity=WARNING,
        ))  # fmt: skip


def _rates(doctor: Doctor, s: Scheduling) -> None:
    rates = s.whose.rates if s.whose is not None else []
    if len(rates) < 20 or not s.steps:
        return
    top = max(rates)
    tiny = sum(rate < top * 1e-4 for rate in rates)
    if tiny * 2 > len(rates):
        doctor.find(found(
            "schedule-fast", "the learning rate has vanished long before the end", s.first or s.place,
            f"It fell from {top:.3g} to {rates[-1]:.3g}; {tiny} of {len(rates)} steps were made with less "
            f"than a ten-thousandth of it. {s.kind} was stepped {s.steps} times.",
            "Step the scheduler once for each epoch instead of each batch, or make it decay more slowly.",
            severity=WARNING,
        ))  # fmt: skip


def _sums(doctor: Doctor, steps: Steps) -> None:
    for place, count in steps.sums.items():
        if count >= 5:
            doctor.find(found(
                "loss-summed", "a running sum keeps the graphs of all its losses", place,
                f"{count} losses were added up as tensors whose graphs go on living: memory grows with each "
                "batch.",
                "Add loss.item() (or loss.detach()), and evaluate under torch.no_grad().", severity=WARNING,
            ))  # fmt: skip


__all__ = ["Parameter", "conclude"]
