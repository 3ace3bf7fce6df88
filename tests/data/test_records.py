"""Where records begin and end, in bulk and one by one."""

import pytest

from penchant.data.records import RecordParser, sound_records


def texts(data: bytes, width: int = 2) -> list[bytes]:
    records, _ = sound_records(data, ",", width)
    return [data[start:end] for start, end in zip(records.starts, records.ends, strict=True)]


def test_line_feeds_and_separators_inside_quotation_marks_are_text():
    data = b'a,"1\n2"\n"x,""y"" ",b\n'
    assert texts(data) == [b'a,"1\n2"', b'"x,""y"" ",b']
    records, stopped = sound_records(data, ",", 2)
    assert records.fields.tolist() == [2, 2]
    assert (records.first_lines.tolist(), records.last_lines.tolist(), stopped) == ([0, 2], [1, 2], False)


def test_fields_are_counted_and_empty_lines_have_none():
    records, _ = sound_records(b"a,b\n\na\na,b,c\n,\n", ",", 2)
    assert records.fields.tolist() == [2, 0, 1, 3, 2]


@pytest.mark.parametrize("bad", [b'b,5" x\n', b'b,"x"y\n', b'"b"x,y\n', b'b, "x"\n'])
def test_a_misplaced_quotation_mark_stops_before_its_record(bad):
    records, stopped = sound_records(b"a,1\n" + bad + b"c,3\n", ",", 2)
    assert (records.ends.tolist(), stopped) == ([3], True)


def test_a_record_that_goes_on_beyond_the_text_is_left():
    records, stopped = sound_records(b'a,1\nb,"2\n', ",", 2)
    assert (records.ends.tolist(), stopped) == ([3], False)


def test_nothing_gives_nothing():
    records, stopped = sound_records(b"", ",", 2)
    assert (len(records.ends), stopped) == (0, False)


def test_a_record_that_holds_records_is_taken_for_a_mistake_but_a_written_text_is_not():
    swallowed = b'a,"\n' + b"b,1\n" * 3 + b'c,"\n'
    assert sound_records(b"x,0\n" + swallowed, ",", 2)[1] is True
    text = b'a,"Dear all,\n\nyes, no\nwell, well, well\nBye"\n'
    records, stopped = sound_records(text, ",", 2)
    assert (records.fields.tolist(), stopped) == ([2], False)


def test_a_record_goes_on_until_it_has_its_fields():
    parser = RecordParser(",", width=2)
    data = b'a,"1\nmore\n2"\nb,3\n'
    fields, end = parser.record(data, 0)
    assert (fields, data[end:]) == (["a", "1\nmore\n2"], b"\nb,3\n")


def test_an_open_record_at_the_end_is_open_and_one_that_never_closes_is_misplaced():
    parser = RecordParser(",", width=2)
    assert parser.record(b'a,"1\nb,2\n', 0) == ("open", 4)
    assert parser.record(b'a,"1\n' + b"b,2\n" * 1001, 0) == ("misplaced", 4)
    assert parser.record(b'a,"1\nb,"2\n', 0) == ("misplaced", 4)


@pytest.mark.parametrize("separator", [",", "\t", "|", ".", "^"])
def test_any_separator_can_be_used(separator):
    line = separator.join(["a", '"b ""c"" "', "", "d"])
    assert RecordParser(separator, 4).fields(line) == ["a", 'b "c" ', "", "d"]


def test_a_very_long_field_is_no_trouble():
    assert RecordParser(",", 2).fields('a,"' + 'x""' * 200_000 + '"') == ["a", 'x"' * 200_000]
