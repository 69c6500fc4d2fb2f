"""What a cart would print above a recording: our own measurements, as a header."""

from gem.ecg.recording import Recording
from gem.errors import NotReadable
from gem.image.header import Header
from gem.measure.measure import measure_recording


def measured_header(recording: Recording) -> Header:
    """Rate, intervals and axes as measured; what cannot be measured is printed as a star, all of it on an unusable recording."""
    try:
        of_all = measure_recording(recording).of_all
    except NotReadable:
        return Header(age=recording.age, sex=recording.sex)
    return Header(
        age=recording.age,
        sex=recording.sex,
        rate_bpm=of_all["heart_rate"].value,
        pr_ms=of_all["pr_interval"].value,
        qrs_ms=of_all["qrs_duration"].value,
        qt_ms=of_all["qt_interval"].value,
        qtc_ms=of_all["qtc_bazett"].value,
        p_axis=of_all["p_axis"].value,
        qrs_axis=of_all["qrs_axis"].value,
        t_axis=of_all["t_axis"].value,
    )
