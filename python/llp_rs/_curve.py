"""The learning curve of a fitted classifier as a small picture for notebooks."""

from html import escape

_WIDTH, _HEIGHT = 360, 140
_LEFT, _RIGHT, _TOP, _BOTTOM = 48, 8, 8, 30
_POINTS = 200
# Legible on white and on black.
_CURVES = {"train_loss": ("training loss", "#2f7fd1"), "held_out_loss": ("held-out loss", "#d9732b")}


def learning_curve(history):
    """SVG with the losses of each epoch; an empty text for less than two epochs."""
    curves = {name: [record[name] for record in history if name in record] for name in _CURVES}
    curves = {name: values for name, values in curves.items() if len(values) == len(history)}
    if len(history) < 2 or not curves:
        return ""
    low = min(min(values) for values in curves.values())
    high = max(max(values) for values in curves.values())
    bottom, right = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
    parts = [
        f'<path d="M{_LEFT} {_TOP}V{bottom}H{right}" fill="none" stroke="currentColor" stroke-opacity=".4"/>',
        _text(_LEFT - 4, _TOP + 9, f"{high:.3g}", "end"),
        _text(_LEFT - 4, bottom, f"{low:.3g}", "end"),
        _text(_LEFT, bottom + 12, "1", "start"),
        _text((_LEFT + right) / 2, bottom + 12, "epoch", "middle"),
        _text(right, bottom + 12, str(len(history)), "end"),
    ]
    for at, (name, values) in enumerate(curves.items()):
        label, colour = _CURVES[name]
        points = " ".join(_point(epoch, values[epoch], len(history), low, high) for epoch in _shown(len(history)))
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        parts.append(_text(_LEFT + 150 * at, _HEIGHT - 4, f"{label} {values[-1]:.4g}", "start", colour))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}" role="img" '
        f'aria-label="Losses of {len(history)} epochs" font-family="sans-serif" font-size="10">{"".join(parts)}</svg>'
    )


def _shown(n_epochs):
    """The epochs that the curve shows, the first and the last among them."""
    n_points = min(n_epochs, _POINTS)
    return [at * (n_epochs - 1) // (n_points - 1) for at in range(n_points)]


def _point(epoch, value, n_epochs, low, high):
    x = _LEFT + (_WIDTH - _LEFT - _RIGHT) * epoch / (n_epochs - 1)
    share = (value - low) / (high - low) if high > low else 0.5
    return f"{x:.1f},{_TOP + (_HEIGHT - _TOP - _BOTTOM) * (1 - share):.1f}"


def _text(x, y, text, anchor, colour="currentColor"):
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" fill="{colour}">{escape(text)}</text>'
