"""Elements from values: what is left out, how numbers are written, and that text stays text."""

from __future__ import annotations

from xml.etree.ElementTree import tostring

from predictor.markup import document, node


def html(element: object) -> str:
    return tostring(element, encoding="unicode", method="html")  # type: ignore[call-overload,no-any-return]


def test_children_may_be_nested_mixed_or_left_out() -> None:
    made = node("p", "a", None, [node("b", "c"), "d", (node("i"), None)], "e")
    assert html(made) == "<p>a<b>c</b>d<i></i>e</p>"


def test_attributes_are_named_as_in_html() -> None:
    made = node("text", class_="x", text_anchor="end", x=1.25, y=2.0, tabindex=0, title=None)
    assert html(made) == '<text class="x" text-anchor="end" x="1.2" y="2" tabindex="0"></text>'


def test_an_attribute_may_be_called_name() -> None:
    assert html(node("meta", name="viewport")) == '<meta name="viewport">'


def test_text_from_elsewhere_stays_text() -> None:
    made = node("p", "<script>", node("b", "&"), "<i>", title='"<')
    assert html(made) == '<p title="&quot;<">&lt;script&gt;<b>&amp;</b>&lt;i&gt;</p>'


def test_a_document_has_its_type() -> None:
    assert document(node("html")) == "<!doctype html><html></html>\n"
