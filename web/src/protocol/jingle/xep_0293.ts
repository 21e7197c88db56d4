/** XEP-0293 1.0.2: RTCP feedback of a payload type or of a whole content. */
import { element, type XmlElement } from "../xml.ts";
import { boundedChildren } from "./bounded.ts";
import { NS } from "./namespaces.ts";

export interface RtcpFeedback {
  /** `nack`, `ccm`, `trr-int` … */
  readonly type: string;
  readonly subtype?: string | undefined;
  /** Further words, as `smaxpr=120`. */
  readonly parameters: readonly string[];
}

const xmlns = NS.rtcpFeedback;

export function parseFeedback(parent: XmlElement): RtcpFeedback[] {
  const plain = boundedChildren(parent, "rtcp-fb", xmlns).map((fb) => ({
    type: fb.attrs.type ?? "",
    subtype: fb.attrs.subtype,
    parameters: boundedChildren(fb, "parameter", xmlns).map(({ attrs: { name = "", value } }) =>
      value === undefined ? name : `${name}=${value}`,
    ),
  }));
  const intervals = boundedChildren(parent, "rtcp-fb-trr-int", xmlns).map((interval) => ({
    type: "trr-int",
    subtype: interval.attrs.value,
    parameters: [],
  }));
  return [...plain, ...intervals];
}

export function buildFeedback({ type, subtype, parameters }: RtcpFeedback): XmlElement {
  if (type === "trr-int") return element("rtcp-fb-trr-int", { xmlns, attrs: { value: subtype } });
  return element(
    "rtcp-fb",
    { xmlns, attrs: { type, subtype } },
    parameters.map((parameter) => {
      const equals = parameter.indexOf("=");
      const attrs =
        equals < 0
          ? { name: parameter }
          : { name: parameter.slice(0, equals), value: parameter.slice(equals + 1) };
      return element("parameter", { attrs });
    }),
  );
}
