//! Whether the probabilities of a network can be believed.

use maud::{Markup, PreEscaped, html};

use super::super::insight::{BagFit, Insight, Part, spread_ratio};
use super::super::{inline, scatter};

pub(super) fn section(insight: &Insight) -> Markup {
    let calibration = &insight.calibration;
    let bags: Vec<&BagFit> = insight.of_part(insight.part).collect();
    let ratio = spread_ratio(bags.iter().copied());
    let residuals = scatter::residuals(&bags, insight.part);
    html! {
        p {
            "If the probabilities are right, the known shares of a bag scatter around the predicted ones as much as labels "
            "that are drawn from them. "
            @match ratio {
                Some(ratio) => {
                    "The residuals of " (bags.len()) " " (insight.part.as_str()) " bags are "
                    strong { (format!("{ratio:.2}")) } " times as large"
                    @if ratio > 1.2 { ": the network is too sure, or wrong about whole bags" }
                    @else if ratio < 0.8 { ": the network is less sure than it could be" }
                    "."
                },
                None => "The network is certain of every instance, so that there is nothing to compare.",
            }
            @if insight.part == Part::Training { " Training saw these bags, which makes residuals small." }
        }
        p {
            @match calibration.temperature {
                Some(temperature) => {
                    "The counts of these bags are most likely if logits are divided by "
                    strong { (format!("{temperature:.2}")) } "; "
                    code { "llp predict --calibrate" } " does that."
                },
                None => "The counts of these bags do not determine a temperature.",
            }
        }
        @if let Some(reliability) = &calibration.reliability {
            p {
                "On labelled test instances the expected calibration error is "
                strong { (format!("{:.3}", reliability.ece)) } ": points below the line are predictions that are surer "
                "than they are right. Larger points stand for more instances."
            }
        }
        figure.curves {
            figcaption { "Bars: residuals. Line: what right probabilities lead to." }
            (PreEscaped(inline::svg(&residuals, "Standardized residuals beside a normal distribution")))
            @if let Some(reliability) = &calibration.reliability {
                (PreEscaped(inline::svg(
                    &scatter::reliability(&reliability.bins),
                    "Accuracy over confidence of test instances",
                )))
            }
        }
    }
}
